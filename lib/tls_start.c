/* How a TLS stream begins: what both sides allocate and offer. The sides
 * stand in files of their own, so that a client links no server. */
#include "lib/die.h"
#include "lib/tls_parts.h"

#include <stdlib.h>

enum { IN = BR_SSL_BUFSIZE_INPUT }; /* any record that a peer may send */

/* The quick ones first: ChaCha20 is for peers without AES in hardware. */
static const uint16_t suites[] = {
    BR_TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256,
    BR_TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256,
    BR_TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384,
    BR_TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384,
    BR_TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256,
    BR_TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256,
};

void *
tls_allocate(size_t n)
{
	void *new = malloc(n);

	if (!new)
		die_nomem();
	return new;
}

struct tls *
tls_begin(struct stream *s, size_t out_size)
{
	struct tls *t = tls_allocate(sizeof *t);

	*t = (struct tls){.first = -1};
	t->in = tls_allocate(IN);
	t->out = tls_allocate(out_size);
	s->state = t;
	s->kind = &tls_kind;
	return t;
}

void
tls_settle(struct tls *t, size_t out_size)
{
	br_ssl_engine_context *e = t->engine;
	uint8_t seed[32];

	br_ssl_engine_set_versions(e, BR_TLS12, BR_TLS12);
	br_ssl_engine_set_suites(e, suites, sizeof suites / sizeof *suites);
	br_ssl_engine_add_flags(e, BR_OPT_NO_RENEGOTIATION);
	br_ssl_engine_set_buffers_bidi(e, t->in, IN, t->out, out_size);
	tls_price_engine(e, t->is_server);
	tls_random(seed, sizeof seed);
	br_ssl_engine_inject_entropy(e, seed, sizeof seed);
	explicit_bzero(seed, sizeof seed);
	if (t->check)
		br_ssl_engine_set_x509(e, &t->check->vtable);
}
