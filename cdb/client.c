#include "cdb/client.h"

#include "lib/log.h"

static void
allow(struct front_session *s, unsigned rights)
{
	s->relay = rights & CONFIG_RELAY;
	s->repeats = rights & CONFIG_REPEATS;
}

unsigned
client_accept(const struct config *c, struct front_session *s,
	      const struct endpoint *peer)
{
	unsigned rights = config_access(c, peer);

	allow(s, rights);
	return rights;
}

static void
log_key(const struct front_session *s, const struct tls_pin *pin)
{
	struct buf text = {0};

	if (pin)
		tls_pin_put(&text, pin);
	else
		buf_text(&text, "none");
	log_open("tls");
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
		front_named(s, name);
		allow(s, *rights);
	}
	log_key(s, has_key ? &pin : NULL);
}
