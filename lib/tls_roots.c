#include "lib/clock.h"
#include "lib/die.h"
#include "lib/tls_parts.h"
#include "lib/tls_pem.h"

#include <stdlib.h>

enum { DAYS_TO_1970 = 719528, DAY_S = 86400 };

static void *
copy(const void *at, size_t n)
{
	void *new = malloc(n ? n : 1);

	if (!new)
		die_nomem();
	memcpy(new, at, n);
	return new;
}

static void
keep(void *user, const void *at, size_t n)
{
	buf_put(user, at, n);
}

static void
copy_key(br_x509_pkey *key)
{
	if (key->key_type == BR_KEYTYPE_RSA) {
		key->key.rsa.n = copy(key->key.rsa.n, key->key.rsa.nlen);
		key->key.rsa.e = copy(key->key.rsa.e, key->key.rsa.elen);
	} else {
		key->key.ec.q = copy(key->key.ec.q, key->key.ec.qlen);
	}
}

/* BearSSL counts the days since the year 0. */
static int64_t
seconds(uint32_t days, uint32_t rest)
{
	return ((int64_t)days - DAYS_TO_1970) * DAY_S + rest;
}

static void
add(struct tls_roots *r, const br_x509_decoder_context *d,
    const br_x509_pkey *key, struct slice name)
{
	struct tls_root *root;

	if (r->n == r->max) {
		r->max = r->max ? 2 * r->max : 16;
		r->all = realloc(r->all, r->max * sizeof *r->all);
		if (!r->all)
			die_nomem();
	}
	root = &r->all[r->n++];
	*root = (struct tls_root){
	    .anchor = {.flags = BR_X509_TA_CA, .pkey = *key},
	    .from_s = seconds(d->notbefore_days, d->notbefore_seconds),
	    .until_s = seconds(d->notafter_days, d->notafter_seconds)};
	root->anchor.dn.data = copy(name.at, name.len);
	root->anchor.dn.len = name.len;
	copy_key(&root->anchor.pkey);
}

static void
take(void *user, const char *kind, struct slice der)
{
	br_x509_decoder_context d;
	const br_x509_pkey *key;
	struct buf name = {0};

	if (strcmp(kind, "CERTIFICATE") != 0)
		return;
	br_x509_decoder_init(&d, keep, &name);
	br_x509_decoder_push(&d, der.at, der.len);
	key = br_x509_decoder_get_pkey(&d);
	if (key && br_x509_decoder_isCA(&d))
		add(user, &d, key, buf_slice(&name));
	buf_free(&name);
}

struct tls_roots *
tls_roots_open(const char *file, struct buf *why)
{
	struct tls_roots *r = calloc(1, sizeof *r);
	int failed;

	if (!r)
		die_nomem();
	failed = tls_pem_read(file, NULL, why, take, r);
	if (failed == 0 && r->n > 0)
		return r;
	if (failed == 0) {
		buf_text(why, file);
		buf_text(why, ": there is no authority's certificate in it");
	}
	tls_roots_close(r);
	return NULL;
}

/* The moments next to now at which one of them begins or ends. */
static void
bounds(const struct tls_roots *r, int64_t now_s, struct tls_anchors *a)
{
	size_t i;

	a->from_s = INT64_MIN;
	a->until_s = INT64_MAX;
	for (i = 0; i < r->n; i++) {
		const int64_t at[] = {r->all[i].from_s, r->all[i].until_s + 1};

		for (size_t k = 0; k < 2; k++) {
			if (at[k] <= now_s && at[k] > a->from_s)
				a->from_s = at[k];
			if (at[k] > now_s && at[k] < a->until_s)
				a->until_s = at[k];
		}
	}
}

const struct tls_anchors *
tls_roots_now(struct tls_roots *r)
{
	static uint64_t serial;
	struct tls_anchors *a = r->now;
	int64_t now_s = clock_s();
	size_t i;

	if (a && now_s >= a->from_s && now_s < a->until_s)
		return a;
	a = tls_allocate(sizeof *a + r->n * sizeof a->all[0]);
	*a = (struct tls_anchors){.older = r->now, .serial = ++serial};
	bounds(r, now_s, a);
	for (i = 0; i < r->n; i++)
		if (r->all[i].from_s <= now_s && now_s <= r->all[i].until_s)
			a->all[a->n++] = r->all[i].anchor;
	r->now = a;
	return a;
}

static void
root_free(br_x509_trust_anchor *a)
{
	free(a->dn.data);
	if (a->pkey.key_type == BR_KEYTYPE_RSA) {
		free(a->pkey.key.rsa.n);
		free(a->pkey.key.rsa.e);
	} else {
		free(a->pkey.key.ec.q);
	}
}

void
tls_roots_close(struct tls_roots *r)
{
	struct tls_anchors *a;
	size_t i;

	if (!r)
		return;
	for (i = 0; i < r->n; i++)
		root_free(&r->all[i].anchor);
	while ((a = r->now)) {
		r->now = a->older;
		free(a);
	}
	free(r->all);
	free(r);
}
