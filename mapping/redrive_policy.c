/* SPDX-License-Identifier: Apache-2.0 */
#include "mapping/redrive_policy.h"

#include <jansson.h>
#include <stdlib.h>

#include "base/arena.h"

char *redrive_policy_target(struct view json)
{
	json_t *policy = json.n ? json_loadb((const char *)json.p, json.n, 0, NULL) : NULL;
	const char *arn = json_string_value(json_object_get(policy, "deadLetterTargetArn"));
	const char *colon = arn && strncmp(arn, "arn:", 4) == 0 ? strrchr(arn, ':') : NULL;
	char *name = NULL;
	if (colon && colon[1]) {
		size_t n = strlen(colon);
		name = mem_alloc(n);
		memcpy(name, colon + 1, n);
	}
	json_decref(policy);
	return name;
}

uint32_t redrive_policy_max(struct view json)
{
	json_t *policy = json.n ? json_loadb((const char *)json.p, json.n, 0, NULL) : NULL;
	const json_t *max = json_object_get(policy, "maxReceiveCount");
	long long n = json_is_string(max) ? strtoll(json_string_value(max), NULL, 10) : json_integer_value(max);
	json_decref(policy);
	return n > 0 && n <= UINT16_MAX ? (uint32_t)n : 0;
}
