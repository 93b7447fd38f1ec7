/* How a TLS stream begins: what is allocated, offered and asked for. */
#include "lib/die.h"
#include "lib/tls_parts.h"

#include <stdlib.h>

enum {
	IN = BR_SSL_BUFSIZE_INPUT, /* any record that a peer may send */
	OUT_CLIENT = BR_SSL_BUFSIZE_OUTPUT,
	OUT_SERVER = 4200
};

/* The quick ones first: ChaCha20 is for peers without AES in hardware. */
static const uint16_t suites[] = {
    BR_TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256,
    BR_TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256,
    BR_TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384,
    BR_TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384,
    BR_TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256,
    BR_TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256,
};

static void *
allocate(size_t n)
{
	void *new = malloc(n);

	if (!new)
		die_nomem();
	return new;
}

static struct tls *
begin(struct stream *s, size_t out_size)
{
	struct tls *t = allocate(sizeof *t);

	*t = (struct tls){.first = -1};
	t->in = allocate(IN);
	t->out = allocate(out_size);
	s->state = t;
	s->kind = &tls_kind;
	return t;
}

static void
settle(struct tls *t, size_t out_size)
{
	br_ssl_engine_context *e = t->engine;
	uint8_t seed[32];

	br_ssl_engine_set_versions(e, BR_TLS12, BR_TLS12);
	br_ssl_engine_set_suites(e, suites, sizeof suites / sizeof *suites);
	br_ssl_engine_add_flags(e, BR_OPT_NO_RENEGOTIATION);
	br_ssl_engine_set_buffers_bidi(e, t->in, IN, t->out, out_size);
	tls_random(seed, sizeof seed);
	br_ssl_engine_inject_entropy(e, seed, sizeof seed);
	explicit_bzero(seed, sizeof seed);
	if (t->check)
		br_ssl_engine_set_x509(e, &t->check->vtable);
}

void
tls_server(struct stream *s, const struct tls_key *own)
{
	/* An empty list of names would ask for no certificate at all. */
	static uint8_t anybody[] = {0x30, 0x00};
	static const br_x500_name names[] = {{anybody, sizeof anybody}};
	struct tls *t = begin(s, OUT_SERVER);
	br_ssl_server_context *ss = allocate(sizeof *ss);

	t->is_server = true;
	t->side.server = ss;
	if (own->ec)
		br_ssl_server_init_full_ec(ss, own->chain, own->n_chain,
					   BR_KEYTYPE_EC, own->ec);
	else
		br_ssl_server_init_full_rsa(ss, own->chain, own->n_chain,
					    own->rsa);
	t->engine = &ss->eng;
	t->check = allocate(sizeof *t->check);
	tls_check_init(t->check, NULL);
	settle(t, OUT_SERVER);
	br_ssl_engine_add_flags(t->engine, BR_OPT_ENFORCE_SERVER_PREFERENCES |
					       BR_OPT_TOLERATE_NO_CLIENT_AUTH);
	/* init_full leaves these out for servers */
	br_ssl_engine_set_default_rsavrfy(t->engine);
	br_ssl_engine_set_default_ecdsa(t->engine);
	br_ssl_server_set_trust_anchor_names(ss, names, 1);
	if (!br_ssl_server_reset(ss))
		die_bug("a TLS server cannot begin");
}

static void
show(br_ssl_client_context *sc, const struct tls_key *own)
{
	if (own->ec)
		br_ssl_client_set_single_ec(sc, own->chain, own->n_chain,
					    own->ec, BR_KEYTYPE_SIGN,
					    BR_KEYTYPE_EC, br_ec_get_default(),
					    br_ecdsa_sign_asn1_get_default());
	else
		br_ssl_client_set_single_rsa(sc, own->chain, own->n_chain,
					     own->rsa,
					     br_rsa_pkcs1_sign_get_default());
}

void
tls_client(struct stream *s, const struct tls_key *own,
	   const struct tls_expected *e)
{
	struct tls *t = begin(s, OUT_CLIENT);
	br_ssl_client_context *sc = allocate(sizeof *sc);
	bool by_name = !e->pin;

	if (by_name && (!e->roots || !e->name || !*e->name))
		die_bug("a TLS client that trusts everybody");
	t->side.client = sc;
	t->verify = allocate(sizeof *t->verify);
	br_ssl_client_init_full(sc, t->verify, by_name ? e->roots->all : NULL,
				by_name ? e->roots->n : 0);
	br_x509_minimal_set_minrsa(t->verify, TLS_RSA_MIN);
	t->engine = &sc->eng;
	if (!by_name) {
		free(t->verify);
		t->verify = NULL;
		t->check = allocate(sizeof *t->check);
		tls_check_init(t->check, e->pin);
	}
	settle(t, OUT_CLIENT);
	if (own)
		show(sc, own);
	if (!br_ssl_client_reset(sc, e->name, 0))
		die_bug("a TLS client cannot begin");
}
