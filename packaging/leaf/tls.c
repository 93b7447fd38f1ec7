/* tls.c - br_ssl_client_init_full(3) for the static leaf: with what lib/tls
 * uses of BearSSL, so that the linker leaves the rest away
 *
 * No TLS before 1.2, no CBC, CCM, 3DES, RSA key exchange; no MD5, SHA-1 or
 * SHA-224, in signatures of certificates neither. lib/tls_start.c narrows the
 * suites further as it does in every build.
 *
 * Test  tests/leaf_static.t
 */
#include <bearssl.h>

void
br_ssl_client_init_full(br_ssl_client_context *c, br_x509_minimal_context *x,
			const br_x509_trust_anchor *roots, size_t n_roots)
{
	static const br_hash_class *const hashes[] = {
	    &br_sha256_vtable, &br_sha384_vtable, &br_sha512_vtable};
	br_ssl_engine_context *e = &c->eng;
	int i;

	br_ssl_client_zero(c);
	br_ssl_engine_set_versions(e, BR_TLS12, BR_TLS12);
	br_x509_minimal_init(x, &br_sha256_vtable, roots, n_roots);
	br_ssl_engine_set_default_rsavrfy(e);
	br_ssl_engine_set_default_ecdsa(e);
	br_x509_minimal_set_rsa(x, br_ssl_engine_get_rsavrfy(e));
	br_x509_minimal_set_ecdsa(x, br_ssl_engine_get_ec(e),
				  br_ssl_engine_get_ecdsa(e));
	for (i = 0; i < 3; i++) {
		br_ssl_engine_set_hash(e, br_sha256_ID + i, hashes[i]);
		br_x509_minimal_set_hash(x, br_sha256_ID + i, hashes[i]);
	}
	br_ssl_engine_set_x509(e, &x->vtable);
	br_ssl_engine_set_prf_sha256(e, &br_tls12_sha256_prf);
	br_ssl_engine_set_prf_sha384(e, &br_tls12_sha384_prf);
	br_ssl_engine_set_default_aes_gcm(e);
	br_ssl_engine_set_default_chapol(e);
}
