/* The client's side of a TLS stream: how it begins. */
#include "lib/die.h"
#include "lib/tls_parts.h"

#include <stdlib.h>

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

void
tls_client(struct stream *s, const struct tls_key *own,
	   const struct tls_expected *e)
{
	struct tls *t = tls_begin(s, OUT);
	br_ssl_client_context *sc = tls_allocate(sizeof *sc);
	bool by_name = !e->pin;

	if (by_name && (!e->roots || !e->name || !*e->name))
		die_bug("a TLS client that trusts everybody");
	t->side.client = sc;
	t->own = own;
	t->roots = by_name ? e->roots->serial : 0;
	t->verify = tls_allocate(sizeof *t->verify);
	br_ssl_client_init_full(sc, t->verify, by_name ? e->roots->all : NULL,
				by_name ? e->roots->n : 0);
	br_x509_minimal_set_minrsa(t->verify, TLS_RSA_MIN);
	t->engine = &sc->eng;
	if (!by_name) {
		free(t->verify);
		t->verify = NULL;
		t->check = tls_allocate(sizeof *t->check);
		tls_check_init(t->check, e->pin);
	}
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
