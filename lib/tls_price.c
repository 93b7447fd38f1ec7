/* What a peer may make us compute: the curves and keys that BearSSL knows
 * differ in price by a factor of ten, and it is the peer who chooses. */
#include "lib/tls_parts.h"

enum { EXPONENT = 4 }; /* bytes of an RSA key's; all that are in use have 3 */

enum {
	EXCHANGE = 1 << BR_EC_curve25519 | 1 << BR_EC_secp256r1,
	SIGNATURES = 1 << BR_EC_secp256r1 | 1 << BR_EC_secp384r1
};

static br_ec_impl
only(uint32_t curves)
{
	br_ec_impl some = *br_ec_get_default();

	some.supported_curves &= curves;
	return some;
}

static size_t
without_zeros(const uint8_t *at, size_t len)
{
	while (len > 0 && *at == 0) {
		at++;
		len--;
	}
	return len;
}

bool
tls_price_fair(const br_x509_pkey *key)
{
	const br_rsa_public_key *rsa = &key->key.rsa;

	if (key->key_type == BR_KEYTYPE_EC)
		return key->key.ec.curve < 32 &&
		       (SIGNATURES >> key->key.ec.curve & 1);
	return without_zeros(rsa->e, rsa->elen) <= EXPONENT;
}

static uint32_t
rsa_verify(const unsigned char *x, size_t n, const unsigned char *oid,
	   size_t hash_len, const br_rsa_public_key *key, unsigned char *hash)
{
	br_x509_pkey any = {.key_type = BR_KEYTYPE_RSA, .key = {.rsa = *key}};

	return tls_price_fair(&any) ? br_rsa_pkcs1_vrfy_get_default()(
					  x, n, oid, hash_len, key, hash)
				    : 0;
}

static uint32_t
ecdsa_verify(const br_ec_impl *impl, const void *hash, size_t hash_len,
	     const br_ec_public_key *key, const void *sig, size_t n)
{
	br_ec_impl some = only(SIGNATURES);

	(void)impl; /* that is for the exchange */
	return br_ecdsa_vrfy_asn1_get_default()(&some, hash, hash_len, key, sig,
						n);
}

void
tls_price_engine(br_ssl_engine_context *e, bool is_server)
{
	static br_ec_impl server, client;

	if (!server.supported_curves) {
		server = only(EXCHANGE);
		client = only(EXCHANGE | SIGNATURES);
	}
	br_ssl_engine_set_ec(e, is_server ? &server : &client);
	br_ssl_engine_set_rsavrfy(e, rsa_verify);
	br_ssl_engine_set_ecdsa(e, ecdsa_verify);
}

void
tls_price_chain(br_x509_minimal_context *x)
{
	br_x509_minimal_set_rsa(x, rsa_verify);
	br_x509_minimal_set_ecdsa(x, br_ec_get_default(), ecdsa_verify);
}
