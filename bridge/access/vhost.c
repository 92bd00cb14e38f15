/* SPDX-License-Identifier: Apache-2.0 */
/* Vhosts and the 12-digit AWS accounts that stand for them (DESIGN §5): given
 * once, kept in the definition, unique. */
#include "access/access_priv.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/log.h"

#define ACCOUNTS 1000000000000ULL

void vhost_account_new(const struct access *a, struct view vhost, char out[ACCOUNT_MAX])
{
	char proposed[ACCOUNT_MAX] = "000000000000";
	unsigned long long number;

	if (a->o.account_of)
		a->o.account_of(vhost, proposed);
	memcpy(out, proposed, ACCOUNT_MAX);
	number = strtoull(proposed, NULL, 10);
	while (mapv_find(&a->accounts, view_of(out, ACCOUNT_MAX - 1))) {
		number = (number + 1) % ACCOUNTS;
		snprintf(out, ACCOUNT_MAX, "%012llu", number % ACCOUNTS);
	}
	if (a->o.account_of && memcmp(out, proposed, ACCOUNT_MAX) != 0)
		log_warn("access.account_taken", "vhost=\"%.*s\" proposed=%s account=%s", VIEW_ARG(vhost),
			 proposed, out);
}

bool vhost_account_valid(struct view account)
{
	for (size_t i = 0; i < account.n; i++)
		if (account.p[i] < '0' || account.p[i] > '9')
			return false;
	return account.n == ACCOUNT_MAX - 1;
}

bool access_vhost_has(const struct access *a, struct view vhost)
{
	return mapv_find(&a->vhosts, vhost) != NULL;
}

const char *access_vhost_account(const struct access *a, struct view vhost)
{
	const struct vhost *v = mapv_find(&a->vhosts, vhost);

	return v ? v->account : NULL;
}

bool access_vhost_of_account(const struct access *a, struct view account, struct view *vhost)
{
	const struct vhost *v = mapv_find(&a->accounts, account);

	if (v)
		*vhost = v->name;
	return v != NULL;
}
