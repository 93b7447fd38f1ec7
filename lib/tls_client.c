/* The client's side of a TLS stream: how it begins. */
#include "lib/die.h"
#include "lib/tls_parts.h"

enum { OUT = BR_SSL_BUFSIZE_OUTPUT };

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

static void
by_pin(struct tls *t, const struct tls_pin *pin)
{
	tls_verify_free(t->verify);
	t->verify = NULL;
	t->check = tls_allocate(sizeof *t->check);
	tls_check_init(t->check, pin);
}

void
tls_client(struct stream *s, const struct tls_key *own,
	   const struct tls_expected *e)
{
	struct tls *t = tls_begin(s, OUT);
	br_ssl_client_context *sc = tls_allocate(sizeof *sc);
	const struct tls_anchors *roots;
	bool by_name = !e->pin;

	if (by_name && (!e->roots || !e->name || !*e->name))
		die_bug("a TLS client that trusts everybody");
	t->side.client = sc;
	t->own = own;
	t->verify = tls_allocate(sizeof *t->verify);
	*t->verify = (struct tls_verify){0};
	roots = by_name ? tls_roots_now(e->roots) : NULL;
	t->roots = by_name ? roots->serial : 0;
	br_ssl_client_init_full(sc, &t->verify->minimal,
				by_name ? roots->all : NULL,
				by_name ? roots->n : 0);
	t->engine = &sc->eng;
	if (by_name)
		tls_verify_begin(t->verify, t->engine);
	else
		by_pin(t, e->pin);
	tls_settle(t, OUT);
	if (own)
		show(sc, own);
	if (!br_ssl_client_reset(sc, e->name, 0))
		die_bug("a TLS client cannot begin");
}

void
tls_client_again(struct tls *t, bool resume)
{
	char name[sizeof t->engine->server_name];

	memcpy(name, t->engine->server_name, sizeof name);
	if (!br_ssl_client_reset(t->side.client, name, resume))
		die_bug("a TLS client cannot begin anew");
}
