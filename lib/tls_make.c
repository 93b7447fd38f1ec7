/* A key pair, and the smallest certificate that carries it. */
#include "lib/die.h"
#include "lib/tls_der.h"
#include "lib/tls_parts.h"
#include "lib/tls_pem.h"

static const uint8_t OID_ECDSA_SHA256[] = {0x2a, 0x86, 0x48, 0xce,
					   0x3d, 0x04, 0x03, 0x02};
static const uint8_t OID_NAME[] = {0x55, 0x04, 0x03};

enum { SERIAL = 16, CERT_MAX = 1024, SIGNATURE_MAX = 140 };

struct pair {
	br_ec_private_key private;
	br_x509_pkey public;
	uint8_t private_bytes[BR_EC_KBUF_PRIV_MAX_SIZE];
	uint8_t public_bytes[BR_EC_KBUF_PUB_MAX_SIZE];
};

static void
make_pair(struct pair *p)
{
	const br_ec_impl *ec = br_ec_get_default();
	br_hmac_drbg_context random;
	uint8_t seed[32];

	tls_random(seed, sizeof seed);
	br_hmac_drbg_init(&random, &br_sha256_vtable, seed, sizeof seed);
	*p = (struct pair){.public = {.key_type = BR_KEYTYPE_EC}};
	if (br_ec_keygen(&random.vtable, ec, &p->private, p->private_bytes,
			 BR_EC_secp256r1) == 0 ||
	    br_ec_compute_pub(ec, &p->public.key.ec, p->public_bytes,
			      &p->private) == 0)
		die_bug("no P-256 key could be made");
	explicit_bzero(&random, sizeof random);
	explicit_bzero(seed, sizeof seed);
}

static void
put_name(struct der *d, const char *name)
{
	size_t end = d->at;

	der_put(d, DER_UTF8, name, strlen(name));
	der_put(d, DER_OID, OID_NAME, sizeof OID_NAME);
	der_wrap(d, DER_SEQUENCE, end);
	der_wrap(d, DER_SET, end);
	der_wrap(d, DER_SEQUENCE, end);
}

static void
put_validity(struct der *d)
{
	static const char from[] = "700101000000Z", to[] = "99991231235959Z";
	size_t end = d->at;

	der_put(d, DER_TIME, to, sizeof to - 1);
	der_put(d, DER_UTCTIME, from, sizeof from - 1);
	der_wrap(d, DER_SEQUENCE, end);
}

static void
put_algorithm(struct der *d)
{
	size_t end = d->at;

	der_put(d, DER_OID, OID_ECDSA_SHA256, sizeof OID_ECDSA_SHA256);
	der_wrap(d, DER_SEQUENCE, end);
}

/* What is signed. Version 1: there are no extensions. */
static void
put_body(struct der *d, const br_x509_pkey *public, const char *name)
{
	uint8_t spki[TLS_SPKI_MAX], serial[SERIAL];
	size_t end = d->at;

	tls_random(serial, sizeof serial);
	serial[0] = (serial[0] & 0x7f) | 0x40; /* positive, of full length */
	der_bytes(d, spki, tls_spki(public, spki));
	put_name(d, name);
	put_validity(d);
	put_name(d, name);
	put_algorithm(d);
	der_integer(d, serial, sizeof serial);
	der_wrap(d, DER_SEQUENCE, end);
}

static size_t
sign(const struct pair *p, const uint8_t *at, size_t n, uint8_t *signature)
{
	br_sha256_context hash;
	uint8_t digest[br_sha256_SIZE];
	size_t len;

	br_sha256_init(&hash);
	br_sha256_update(&hash, at, n);
	br_sha256_out(&hash, digest);
	len = br_ecdsa_sign_asn1_get_default()(br_ec_get_default(),
					       &br_sha256_vtable, digest,
					       &p->private, signature);
	if (len == 0)
		die_bug("a certificate could not be signed");
	return len;
}

static void
put_certificate(struct buf *pem, const struct pair *p, const char *name)
{
	uint8_t body[CERT_MAX], whole[CERT_MAX], signature[SIGNATURE_MAX];
	struct der b, d;
	size_t len;

	der_start(&b, body, sizeof body);
	put_body(&b, &p->public, name);
	len = sign(p, b.mem + b.at, b.size - b.at, signature);
	der_start(&d, whole, sizeof whole);
	der_bytes(&d, signature, len);
	der_bytes(&d, "", 1); /* no unused bits */
	der_wrap(&d, DER_BIT_STRING, d.size);
	put_algorithm(&d);
	der_bytes(&d, b.mem + b.at, b.size - b.at);
	der_wrap(&d, DER_SEQUENCE, d.size);
	tls_pem_put(pem, "CERTIFICATE",
		    slice_of((char *)d.mem + d.at, d.size - d.at));
}

static void
put_private(struct buf *pem, const struct pair *p)
{
	uint8_t der[256];
	size_t n = br_encode_ec_pkcs8_der(NULL, &p->private, &p->public.key.ec);

	if (n == 0 || n > sizeof der)
		die_bug("a private key could not be written");
	br_encode_ec_pkcs8_der(der, &p->private, &p->public.key.ec);
	tls_pem_put(pem, "PRIVATE KEY", slice_of((char *)der, n));
	explicit_bzero(der, sizeof der);
}

void
tls_key_make(const char *name, struct buf *cert_pem, struct buf *key_pem,
	     struct tls_pin *pin)
{
	struct pair p;

	make_pair(&p);
	put_certificate(cert_pem, &p, name);
	put_private(key_pem, &p);
	if (tls_pkey_pin(&p.public, pin) != 0)
		die_bug("a P-256 key without a pin");
	explicit_bzero(&p, sizeof p);
}
