#include "lib/die.h"
#include "lib/tls_parts.h"
#include "lib/tls_pem.h"

#include <stdlib.h>

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
add(struct tls_roots *r, const br_x509_pkey *key, struct slice name)
{
	br_x509_trust_anchor *a;

	if (r->n == r->max) {
		r->max = r->max ? 2 * r->max : 16;
		r->all = realloc(r->all, r->max * sizeof *r->all);
		if (!r->all)
			die_nomem();
	}
	a = &r->all[r->n++];
	*a = (br_x509_trust_anchor){.flags = BR_X509_TA_CA, .pkey = *key};
	a->dn.data = copy(name.at, name.len);
	a->dn.len = name.len;
	if (key->key_type == BR_KEYTYPE_RSA) {
		a->pkey.key.rsa.n = copy(key->key.rsa.n, key->key.rsa.nlen);
		a->pkey.key.rsa.e = copy(key->key.rsa.e, key->key.rsa.elen);
	} else {
		a->pkey.key.ec.q = copy(key->key.ec.q, key->key.ec.qlen);
	}
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
		add(user, key, buf_slice(&name));
	buf_free(&name);
}

struct tls_roots *
tls_roots_open(const char *file, struct buf *why)
{
	struct tls_roots *r = calloc(1, sizeof *r);
	static uint64_t serial;
	int failed;

	if (!r)
		die_nomem();
	r->serial = ++serial;
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

void
tls_roots_close(struct tls_roots *r)
{
	size_t i;

	if (!r)
		return;
	for (i = 0; i < r->n; i++) {
		br_x509_trust_anchor *a = &r->all[i];

		free(a->dn.data);
		if (a->pkey.key_type == BR_KEYTYPE_RSA) {
			free(a->pkey.key.rsa.n);
			free(a->pkey.key.rsa.e);
		} else {
			free(a->pkey.key.ec.q);
		}
	}
	free(r->all);
	free(r);
}
