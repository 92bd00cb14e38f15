# SPDX-License-Identifier: Apache-2.0
"""Signature Version 4 in a few lines, for the tests that write HTTP themselves."""

import datetime
import hashlib
import hmac
import urllib.parse

ALGORITHM = "AWS4-HMAC-SHA256"


def mac(key, text):
    return hmac.new(key, text.encode(), hashlib.sha256).digest()


def quoted(text):
    return urllib.parse.quote(text, safe="-_.~")


def sorted_query(pairs):
    return "&".join(f"{n}={v}" for n, v in sorted((quoted(n), quoted(v)) for n, v in pairs))


class Signer:
    """Of requests to 127.0.0.1:port. The secret is the key's id unless told otherwise,
    as that of the default key guest is; the time is now unless `when` says so."""

    def __init__(self, port, key="guest", secret=None, when=None, **scope):
        self.host = f"127.0.0.1:{port}"
        self.key, self.secret = key, key if secret is None else secret
        self.stamp = (when or datetime.datetime.now(datetime.timezone.utc)).strftime("%Y%m%dT%H%M%SZ")
        self.scope = f"{self.stamp[:8]}/{scope.get('region', 'us-east-1')}/{scope.get('service', 'sqs')}/aws4_request"

    def signature(self, method, path, query, headers, body):
        """headers: name → value of those that are signed, names in lower case."""
        canonical = "\n".join((
            method, urllib.parse.quote(path, safe="/-_.~"), query,
            "".join(f"{name}:{' '.join(headers[name].split())}\n" for name in sorted(headers)),
            ";".join(sorted(headers)), hashlib.sha256(body).hexdigest(),
        ))
        to_sign = "\n".join((ALGORITHM, self.stamp, self.scope, hashlib.sha256(canonical.encode()).hexdigest()))
        key = f"AWS4{self.secret}".encode()
        for part in self.scope.split("/"):
            key = mac(key, part)
        return hmac.new(key, to_sign.encode(), hashlib.sha256).hexdigest()

    def headers(self, method, target, body, headers):
        """The headers with those that sign."""
        body = body.encode() if isinstance(body, str) else body or b""
        path, _, query = target.partition("?")
        query = sorted_query(urllib.parse.parse_qsl(query, keep_blank_values=True))
        to_sign = {name.lower(): value for name, value in headers.items()}
        to_sign.update({"host": self.host, "x-amz-date": self.stamp})
        value = self.signature(method, path, query, to_sign, body)
        return {
            **headers, "X-Amz-Date": self.stamp,
            "Authorization": f"{ALGORITHM} Credential={self.key}/{self.scope}, SignedHeaders={';'.join(sorted(to_sign))}, "
            f"Signature={value}",
        }

    def presigned(self, path, fields, expires=60):
        """The target of a GET that carries its own signature."""
        query = sorted_query({
            **fields, "X-Amz-Algorithm": ALGORITHM, "X-Amz-Credential": f"{self.key}/{self.scope}",
            "X-Amz-Date": self.stamp, "X-Amz-Expires": str(expires), "X-Amz-SignedHeaders": "host",
        }.items())
        return f"{path}?{query}&X-Amz-Signature={self.signature('GET', path, query, {'host': self.host}, b'')}"
