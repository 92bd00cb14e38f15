/* SPDX-License-Identifier: Apache-2.0 */
/* Password hashes. Each algorithm is one row: its name is what a definition
 * says, its function hashes salt and password. New hashes take the first row;
 * formats that are only read (RabbitMQ's, rabbitmq.md 5.4) are further rows. */
#include "access/access_priv.h"

#include "base/crypto.h"
#include "base/log.h"
#include "base/rng.h"

struct algorithm {
	const char *name;
	size_t salt_n, hash_n;
	bool (*hash)(struct view plain, struct view salt, uint8_t *out);
};

static bool hash_scrypt(struct view plain, struct view salt, uint8_t *out)
{
	return crypto_scrypt(plain, salt, out);
}

/* The name stands for the parameters too: N=2^14, r=8, p=1, 32 bytes. */
static const struct algorithm algorithms[] = {
	{"scrypt-14-8-1", 16, 32, hash_scrypt},
};

static const struct algorithm *algorithm_find(const char *name)
{
	for (size_t i = 0; i < sizeof algorithms / sizeof *algorithms; i++)
		if (strcmp(algorithms[i].name, name) == 0)
			return &algorithms[i];
	return NULL;
}

bool password_known(const char *algorithm, size_t hash_n)
{
	const struct algorithm *a = algorithm_find(algorithm);

	return a && a->hash_n == hash_n;
}

bool password_make(struct password *p, struct view plain)
{
	const struct algorithm *a = &algorithms[0];

	memset(p, 0, sizeof *p);
	must(strlen(a->name) < sizeof p->algorithm);
	memcpy(p->algorithm, a->name, strlen(a->name));
	p->salt_n = (uint8_t)a->salt_n;
	p->hash_n = (uint8_t)a->hash_n;
	random_secret(p->salt, p->salt_n);
	return a->hash(plain, view_of(p->salt, p->salt_n), p->hash);
}

bool password_matches(const struct password *p, struct view plain)
{
	const struct algorithm *a = algorithm_find(p->algorithm);
	const struct algorithm *used = a ? a : &algorithms[0];
	uint8_t hash[sizeof p->hash] = {0};
	bool hashed = used->hash(plain, view_of(p->salt, a ? p->salt_n : used->salt_n), hash);
	bool equal = crypto_equal(hash, p->hash, used->hash_n);

	explicit_bzero(hash, sizeof hash);
	return a && hashed && equal && plain.n;
}
