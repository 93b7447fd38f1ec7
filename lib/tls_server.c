/* The server's side of a TLS stream: how it begins. */
#include "lib/die.h"
#include "lib/tls_parts.h"

enum { OUT = 4200 };

void
tls_server(struct stream *s, const struct tls_key *own)
{
	/* An empty list of names would ask for no certificate at all. */
	static uint8_t anybody[] = {0x30, 0x00};
	static const br_x500_name names[] = {{anybody, sizeof anybody}};
	struct tls *t = tls_begin(s, OUT);
	br_ssl_server_context *ss = tls_allocate(sizeof *ss);

	t->is_server = true;
	t->own = own;
	t->side.server = ss;
	if (own->ec)
		br_ssl_server_init_full_ec(ss, own->chain, own->n_chain,
					   BR_KEYTYPE_EC, own->ec);
	else
		br_ssl_server_init_full_rsa(ss, own->chain, own->n_chain,
					    own->rsa);
	t->engine = &ss->eng;
	t->check = tls_allocate(sizeof *t->check);
	tls_check_init(t->check, NULL);
	tls_settle(t, OUT);
	br_ssl_engine_add_flags(t->engine, BR_OPT_ENFORCE_SERVER_PREFERENCES |
					       BR_OPT_TOLERATE_NO_CLIENT_AUTH);
	br_ssl_server_set_trust_anchor_names(ss, names, 1);
	if (!br_ssl_server_reset(ss))
		die_bug("a TLS server cannot begin");
}
