# SPDX-License-Identifier: Apache-2.0
"""Topics over SNS with boto3 (sqs-sns.md §11)."""

import json

from botocore.exceptions import ClientError

from rig import Raises, expect, require, scenario


def refusal(function, **given):
    """(code, message, HTTP status)"""
    with Raises(ClientError) as r:
        function(**given)
    error = r.error.response["Error"]
    return error["Code"], error["Message"], r.error.response["ResponseMetadata"]["HTTPStatusCode"]


@scenario("aws", "mqbridge")
def topic_life(ctx):
    """Created again it is the same; deleted again it is gone; errors have their classes"""
    sns, name = ctx.sns, ctx.name("t")
    arn = sns.create_topic(Name=name, Attributes={"DisplayName": "d"}, Tags=[{"Key": "a", "Value": "1"}])["TopicArn"]
    expect(arn, f"arn:aws:sns:us-east-1:000000000000:{name}")
    expect(sns.create_topic(Name=name)["TopicArn"], arn)
    with Raises(sns.exceptions.InvalidParameterException) as r:
        sns.create_topic(Name=name, Attributes={"DisplayName": "e"})
    expect(
        r.error.response["Error"]["Message"],
        "Invalid parameter: Attributes Reason: Topic already exists with different attributes",
    )
    expect(sns.list_tags_for_resource(ResourceArn=arn)["Tags"], [{"Key": "a", "Value": "1"}])
    sns.tag_resource(ResourceArn=arn, Tags=[{"Key": "b", "Value": ""}])
    sns.untag_resource(ResourceArn=arn, TagKeys=["a"])
    expect(sns.list_tags_for_resource(ResourceArn=arn)["Tags"], [{"Key": "b", "Value": ""}])
    sns.delete_topic(TopicArn=arn)
    sns.delete_topic(TopicArn=arn)
    with Raises(sns.exceptions.NotFoundException):
        sns.get_topic_attributes(TopicArn=arn)


@scenario("aws", "mqbridge")
def topic_attributes(ctx):
    """Those of a new one, and what was set"""
    arn = ctx.sns.create_topic(Name=ctx.name("t"))["TopicArn"]
    got = ctx.sns.get_topic_attributes(TopicArn=arn)["Attributes"]
    expect(
        sorted(got),
        ["DisplayName", "EffectiveDeliveryPolicy", "Owner", "Policy", "SubscriptionsConfirmed", "SubscriptionsDeleted",
         "SubscriptionsPending", "TopicArn"],
    )
    expect(json.loads(got["Policy"])["Statement"][0]["Resource"], arn)
    policy = '{"Version": "2012-10-17", "Statement": []}'
    ctx.sns.set_topic_attributes(TopicArn=arn, AttributeName="Policy", AttributeValue=policy)
    ctx.sns.set_topic_attributes(TopicArn=arn, AttributeName="SignatureVersion", AttributeValue="2")
    got = ctx.sns.get_topic_attributes(TopicArn=arn)["Attributes"]
    expect((got["Policy"], got["SignatureVersion"]), (policy, "2"))
    expect(
        refusal(ctx.sns.set_topic_attributes, TopicArn=arn, AttributeName="FifoTopic", AttributeValue="true"),
        ("InvalidParameter", "Invalid parameter: AttributeName", 400),
    )


@scenario("aws", "mqbridge")
def topic_arns(ctx):
    """The form is judged first, then the region, then whether it is there"""
    for arn, wanted in (
        ("x", ("InvalidParameter", "Invalid parameter: TopicArn Reason: An ARN must have at least 6 elements, not 1", 400)),
        ("arn:aws:sns:eu-west-1:000000000000:x", ("InvalidParameter", "Invalid parameter: TopicArn", 400)),
        (f"arn:aws:sns:us-east-1:000000000000:{ctx.name('none')}", ("NotFound", "Topic does not exist", 404)),
    ):
        expect(refusal(ctx.sns.get_topic_attributes, TopicArn=arn), wanted, arn)
        expect(refusal(ctx.sns.publish, TopicArn=arn, Message="m"), wanted, arn)


@scenario("aws", "mqbridge")
def fifo_topics(ctx):
    """Not there yet: refused at once"""
    code, text, _ = refusal(ctx.sns.create_topic, Name=ctx.name("t") + ".fifo", Attributes={"FifoTopic": "true"})
    expect(code, "InvalidParameter")
    require("not supported by this version" in text, text)


@scenario("aws", "amqp", "mqbridge")
def topic_is_an_exchange(ctx):
    """Made over SNS, declared with its type over AMQP, published to by either"""
    name = ctx.name("t")
    arn = ctx.sns.create_topic(Name=name)["TopicArn"]
    channel = ctx.channel()
    channel.exchange_declare(name, "direct", durable=True)
    queue = channel.queue_declare(ctx.name(), durable=True).method.queue
    channel.queue_bind(queue, name, "k")
    ctx.sns.publish(TopicArn=arn, Message="m", MessageAttributes={"routing-key": {"DataType": "String", "StringValue": "k"}})
    expect(ctx.sqs_take(ctx.sqs_url(queue))[0]["Body"], "m")
    channel.exchange_delete(name)
    with Raises(ctx.sns.exceptions.NotFoundException):
        ctx.sns.publish(TopicArn=arn, Message="m")
