/* Which key is it? In place of a validator of certificates. */
#include "lib/owner.h"
#include "lib/tls_der.h"
#include "lib/tls_parts.h"

static const uint8_t OID_RSA[] = {0x2a, 0x86, 0x48, 0x86, 0xf7,
				  0x0d, 0x01, 0x01, 0x01};
static const uint8_t OID_EC[] = {0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01};
static const uint8_t OID_P256[] = {0x2a, 0x86, 0x48, 0xce,
				   0x3d, 0x03, 0x01, 0x07};
static const uint8_t OID_P384[] = {0x2b, 0x81, 0x04, 0x00, 0x22};
static const uint8_t OID_P521[] = {0x2b, 0x81, 0x04, 0x00, 0x23};

static void
put_rsa(struct der *d, const br_rsa_public_key *rsa)
{
	size_t end = d->at, algorithm;

	der_integer(d, rsa->e, rsa->elen);
	der_integer(d, rsa->n, rsa->nlen);
	der_wrap(d, DER_SEQUENCE, end);
	der_bytes(d, "", 1); /* no unused bits */
	der_wrap(d, DER_BIT_STRING, end);
	algorithm = d->at;
	der_put(d, DER_NULL, "", 0);
	der_put(d, DER_OID, OID_RSA, sizeof OID_RSA);
	der_wrap(d, DER_SEQUENCE, algorithm);
	der_wrap(d, DER_SEQUENCE, end);
}

static bool
put_curve(struct der *d, int curve)
{
	switch (curve) {
	case BR_EC_secp256r1:
		der_put(d, DER_OID, OID_P256, sizeof OID_P256);
		return true;
	case BR_EC_secp384r1:
		der_put(d, DER_OID, OID_P384, sizeof OID_P384);
		return true;
	case BR_EC_secp521r1:
		der_put(d, DER_OID, OID_P521, sizeof OID_P521);
		return true;
	default: return false;
	}
}

static bool
put_ec(struct der *d, const br_ec_public_key *ec)
{
	size_t end = d->at, algorithm;

	der_bytes(d, ec->q, ec->qlen);
	der_bytes(d, "", 1);
	der_wrap(d, DER_BIT_STRING, end);
	algorithm = d->at;
	if (!put_curve(d, ec->curve))
		return false;
	der_put(d, DER_OID, OID_EC, sizeof OID_EC);
	der_wrap(d, DER_SEQUENCE, algorithm);
	der_wrap(d, DER_SEQUENCE, end);
	return true;
}

/* What BearSSL has decoded has one DER form only, so writing it anew gives
 * the bytes that stood in the certificate. */
size_t
tls_spki(const br_x509_pkey *key, uint8_t *out)
{
	uint8_t mem[TLS_SPKI_MAX];
	struct der d;

	der_start(&d, mem, sizeof mem);
	if (key->key_type == BR_KEYTYPE_RSA)
		put_rsa(&d, &key->key.rsa);
	else if (key->key_type != BR_KEYTYPE_EC || !put_ec(&d, &key->key.ec))
		return 0;
	memcpy(out, mem + d.at, sizeof mem - d.at);
	return sizeof mem - d.at;
}

int
tls_pkey_pin(const br_x509_pkey *key, struct tls_pin *pin)
{
	uint8_t spki[TLS_SPKI_MAX];
	size_t n = tls_spki(key, spki);
	br_sha256_context hash;

	if (n == 0)
		return -1;
	br_sha256_init(&hash);
	br_sha256_update(&hash, spki, n);
	br_sha256_out(&hash, pin->bytes);
	return 0;
}

static struct tls_check *
check_of(const br_x509_class **ctx)
{
	return OWNER(ctx, struct tls_check, vtable);
}

static void
start_chain(const br_x509_class **ctx, const char *name)
{
	struct tls_check *c = check_of(ctx);

	(void)name;
	c->n_certs = 0;
	c->good = c->different = false;
}

static void
start_cert(const br_x509_class **ctx, uint32_t length)
{
	struct tls_check *c = check_of(ctx);

	(void)length;
	if (c->n_certs == 0)
		br_x509_decoder_init(&c->decoder, NULL, NULL);
}

/* 0.6 runs on behind an error when there is more input, with a stack that is
 * no longer what it was, and writes where it must not. */
static void
append(const br_x509_class **ctx, const unsigned char *at, size_t n)
{
	struct tls_check *c = check_of(ctx);

	if (c->n_certs == 0 && c->decoder.err == 0)
		br_x509_decoder_push(&c->decoder, at, n);
}

static void
end_cert(const br_x509_class **ctx)
{
	check_of(ctx)->n_certs++;
}

static unsigned
end_chain(const br_x509_class **ctx)
{
	struct tls_check *c = check_of(ctx);
	const br_x509_pkey *key;

	if (c->n_certs == 0)
		return BR_ERR_X509_EMPTY_CHAIN;
	key = br_x509_decoder_get_pkey(&c->decoder);
	if (!key)
		return (unsigned)br_x509_decoder_last_error(&c->decoder);
	if (key->key_type == BR_KEYTYPE_RSA && key->key.rsa.nlen < TLS_RSA_MIN)
		return BR_ERR_X509_WEAK_PUBLIC_KEY;
	if (!tls_price_fair(key) || tls_pkey_pin(key, &c->pin) != 0)
		return BR_ERR_X509_UNSUPPORTED;
	c->different = c->expected && !tls_pin_eq(c->expected, &c->pin);
	c->good = !c->different;
	return c->good ? 0 : BR_ERR_X509_NOT_TRUSTED;
}

static const br_x509_pkey *
get_pkey(const br_x509_class *const *ctx, unsigned *usages)
{
	struct tls_check *c = check_of((const br_x509_class **)ctx);

	if (usages)
		*usages = BR_KEYTYPE_SIGN;
	return br_x509_decoder_get_pkey(&c->decoder);
}

static const br_x509_class check_class = {sizeof(struct tls_check),
					  start_chain,
					  start_cert,
					  append,
					  end_cert,
					  end_chain,
					  get_pkey};

void
tls_check_init(struct tls_check *c, const struct tls_pin *expected)
{
	*c = (struct tls_check){.vtable = &check_class, .expected = expected};
}
