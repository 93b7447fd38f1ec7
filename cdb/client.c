#include "cdb/client.h"

#include "lib/log.h"
#include "lib/often.h"

static void
allow(struct front_session *s, unsigned rights)
{
	s->relay = rights & CONFIG_RELAY;
	s->repeats = rights & CONFIG_REPEATS;
	s->limited = rights & CONFIG_LIMITED;
}

unsigned
client_accept(const struct config *c, struct front_session *s,
	      const struct endpoint *peer)
{
	unsigned rights = config_access(c, peer);

	s->tables = c->generation;
	allow(s, rights);
	return rights;
}

const char *
client_again(const struct config *c, struct front_session *s, unsigned *rights)
{
	struct slice name;

	if (s->tables == c->generation)
		return s->refused;
	s->tables = c->generation;
	front_unnamed(s);
	*rights = config_access(c, &s->peer);
	if (s->has_key && config_access_key(c, &s->pin, rights, &name))
		front_named(s, &s->pin, name);
	allow(s, *rights);
	s->refused = server_still_trusts(s->balanced, s->conn.stream.fd)
			 ? NULL
			 : CLIENT_UNBALANCED;
	return s->refused;
}

static void
log_key(const struct front_session *s, const struct tls_pin *pin)
{
	struct buf text = {0};

	if (!front_log_open(s, "tls", NULL, OFTEN_FEW))
		return;
	if (pin)
		tls_pin_put(&text, pin);
	else
		buf_text(&text, "none");
	front_log_client(s);
	log_bytes("key", buf_slice(&text));
	if (tls_is_resumed(&s->conn.stream))
		log_text("session", "resumed");
	log_close();
	buf_free(&text);
}

void
client_meet(const struct config *c, struct front_session *s, unsigned *rights)
{
	struct tls_pin pin;
	struct slice name;
	bool has_key;

	if (!front_meet(s, &has_key, &pin))
		return;
	if (has_key && config_access_key(c, &pin, rights, &name)) {
		front_named(s, &pin, name);
		allow(s, *rights);
	}
	log_key(s, has_key ? &pin : NULL);
}

char
client_begin(const struct config *c, struct clients *clients,
	     const struct endpoint *peer, const struct tls_pin *pin,
	     uint64_t size, const char **why_r)
{
	struct config_client line;
	struct clients_key key;

	if (!config_client(c, peer, pin, &line))
		return 'K';
	if (line.size > 0 && size > line.size) {
		*why_r = "the message is too large for this client (#5.3.4)";
		return 'D';
	}
	if (line.rate == 0)
		return 'K';
	if (line.by_key)
		clients_key_pin(&key, pin);
	else
		clients_key_address(&key, peer);
	if (clients_send(clients, &key, line.rate, line.rate_s))
		return 'K';
	*why_r = "this client sends too much, try again later (#4.7.0)";
	return 'Z';
}

char
client_sender(const struct config *c, const struct endpoint *peer,
	      const struct tls_pin *pin, struct slice sender,
	      const char **why_r)
{
	struct config_client line;

	if (!config_client(c, peer, pin, &line) ||
	    config_client_sender(c, &line, sender))
		return 'K';
	*why_r = "this client may not use this sender's domain (#5.7.1)";
	return 'D';
}
