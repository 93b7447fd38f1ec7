#include "lib/tls_key.h"

#include "lib/die.h"
#include "lib/tls_parts.h"
#include "lib/tls_pem.h"

#include <stdlib.h>
#include <sys/random.h>

enum { OTHERS = 07 };

void
tls_random(void *to, size_t n)
{
	if (getrandom(to, n, 0) != (ssize_t)n)
		die_sys("getting random bytes", NULL);
}

static void
say(struct buf *why, const char *file, const char *what)
{
	buf_text(why, file);
	buf_text(why, ": ");
	buf_text(why, what);
}

static bool
is_certificate(const char *kind)
{
	return strcmp(kind, "CERTIFICATE") == 0 ||
	       strcmp(kind, "X509 CERTIFICATE") == 0;
}

static bool
is_private(const char *kind)
{
	return strcmp(kind, "PRIVATE KEY") == 0 ||
	       strcmp(kind, "EC PRIVATE KEY") == 0 ||
	       strcmp(kind, "RSA PRIVATE KEY") == 0;
}

static void *
copy(const void *at, size_t n)
{
	void *new = malloc(n ? n : 1);

	if (!new)
		die_nomem();
	memcpy(new, at, n);
	return new;
}

/* Either may stand in either file: what is there is taken. */
static void
take_certificate(void *user, const char *kind, struct slice der)
{
	struct tls_key *key = user;
	br_x509_certificate *c = &key->chain[key->n_chain];

	if (!is_certificate(kind) || key->n_chain == TLS_CHAIN_MAX)
		return;
	c->data = copy(der.at, der.len);
	c->data_len = der.len;
	key->n_chain++;
}

static void
take_private(void *user, const char *kind, struct slice der)
{
	struct tls_key *key = user;
	br_skey_decoder_context *d = &key->private.decoder;

	if (!is_private(kind) || key->type || der.len > TLS_KEY_DER_MAX)
		return;
	br_skey_decoder_init(d);
	br_skey_decoder_push(d, der.at, der.len);
	key->type = br_skey_decoder_key_type(d);
	key->ec = br_skey_decoder_get_ec(d);
	key->rsa = br_skey_decoder_get_rsa(d);
}

static const br_x509_pkey *
decode(br_x509_decoder_context *d, const br_x509_certificate *c)
{
	br_x509_decoder_init(d, NULL, NULL);
	br_x509_decoder_push(d, c->data, c->data_len);
	return br_x509_decoder_get_pkey(d);
}

static bool
ec_fits(const br_ec_private_key *own, const br_ec_public_key *other)
{
	uint8_t q[BR_EC_KBUF_PUB_MAX_SIZE];
	size_t n = br_ec_compute_pub(br_ec_get_default(), NULL, q, own);

	return n == other->qlen && own->curve == other->curve &&
	       memcmp(q, other->q, n) == 0;
}

/* 0.6 cannot compute every modulus; then only its size is compared. */
static bool
rsa_fits(const br_rsa_private_key *own, const br_rsa_public_key *other)
{
	br_rsa_compute_modulus compute = br_rsa_compute_modulus_get_default();
	uint8_t n[BR_X509_BUFSIZE_KEY];
	size_t len = (own->n_bitlen + 7) / 8;

	if (len != other->nlen || len > sizeof n)
		return false;
	return compute(n, own) == 0 || memcmp(n, other->n, len) == 0;
}

/* NULL, or what is wrong with the certificate for this key. */
static const char *
certificate_fault(struct tls_key *key)
{
	br_x509_decoder_context d;
	const br_x509_pkey *public = decode(&d, &key->chain[0]);

	if (!public || tls_pkey_pin(public, &key->pin) != 0)
		return "its certificate is broken, or its key neither EC nor "
		       "RSA";
	if (public->key_type == BR_KEYTYPE_RSA &&
	    public->key.rsa.nlen < TLS_RSA_MIN)
		return "its RSA key is under 2048 bits; make a new one "
		       "with quail key";
	if (!tls_price_fair(public))
		return "its key is of a kind that no peer takes; make a new "
		       "one with quail key";
	if (public->key_type != key->type ||
	    (key->ec && !ec_fits(key->ec, &public->key.ec)) ||
	    (key->rsa && !rsa_fits(key->rsa, &public->key.rsa)))
		return "this certificate does not belong to the private key";
	return NULL;
}

static int
read_key(struct tls_key *key, const char *cert_file, const char *key_file,
	 struct buf *why)
{
	const char *fault;
	mode_t mode;

	if (tls_pem_read(cert_file, NULL, why, take_certificate, key) != 0 ||
	    tls_pem_read(key_file, &mode, why, take_private, key) != 0)
		return -1;
	fault = key->n_chain == 0 ? "there is no certificate in it" : NULL;
	if (!fault && key->type)
		fault = certificate_fault(key);
	if (fault) {
		say(why, cert_file, fault);
		return -1;
	}
	if (!key->type)
		fault = "there is no private key in it that we can use (EC or "
			"RSA, not encrypted)";
	else if (mode & OTHERS)
		fault = "others may read this private key; chmod it to 0600 "
			"or 0640";
	if (fault)
		say(why, key_file, fault);
	return fault ? -1 : 0;
}

struct tls_key *
tls_key_open(const char *cert_file, const char *key_file, struct buf *why)
{
	struct tls_key *key = calloc(1, sizeof *key);

	if (!key)
		die_nomem();
	if (read_key(key, cert_file, key_file, why) == 0)
		return key;
	tls_key_close(key);
	return NULL;
}

void
tls_key_close(struct tls_key *key)
{
	size_t i;

	if (!key)
		return;
	for (i = 0; i < key->n_chain; i++)
		free(key->chain[i].data);
	explicit_bzero(key, sizeof *key);
	free(key);
}

void
tls_key_own_pin(const struct tls_key *key, struct tls_pin *pin)
{
	*pin = key->pin;
}

struct either {
	struct tls_key key;
	bool done;
};

static void
take_first(void *user, const char *kind, struct slice der)
{
	struct either *e = user;

	if (e->key.n_chain == 0)
		take_certificate(&e->key, kind, der);
	take_private(&e->key, kind, der);
}

static int
private_pin(const br_ec_private_key *ec, struct tls_pin *pin)
{
	uint8_t q[BR_EC_KBUF_PUB_MAX_SIZE];
	br_x509_pkey public = {.key_type = BR_KEYTYPE_EC};

	if (!ec ||
	    br_ec_compute_pub(br_ec_get_default(), &public.key.ec, q, ec) == 0)
		return -1;
	return tls_pkey_pin(&public, pin);
}

int
tls_key_file_pin(const char *file, struct tls_pin *pin, struct buf *why)
{
	struct either *e = calloc(1, sizeof *e);
	br_x509_decoder_context d;
	const br_x509_pkey *public;
	int r;

	if (!e)
		die_nomem();
	r = tls_pem_read(file, NULL, why, take_first, e);
	if (r == 0 && e->key.n_chain > 0) {
		public = decode(&d, &e->key.chain[0]);
		r = public ? tls_pkey_pin(public, pin) : -1;
		if (r != 0)
			say(why, file,
			    "this certificate is broken, or its "
			    "key neither EC nor RSA");
	} else if (r == 0) {
		r = private_pin(e->key.ec, pin);
		if (r != 0)
			say(why, file,
			    "there is neither a certificate in it nor a "
			    "private EC key; give the certificate");
	}
	if (e->key.n_chain > 0)
		free(e->key.chain[0].data);
	explicit_bzero(e, sizeof *e);
	free(e);
	return r;
}
