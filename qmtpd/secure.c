#include "qmtpd/secure.h"

#include "lib/hop.h"
#include "lib/log.h"
#include "lib/tls_memory.h"
#include "qmtpd/quail.h"

#include <unistd.h>

#define BAD_KEY	  "our own key cannot be used (#4.3.5)"
#define BAD_PIN	  "tlspolicy has a pin that is none (#4.3.5)"
#define BAD_ROOTS "no authority is there to check the next hop by (#4.3.5)"

bool
secure_parse(struct secure_hop *s, struct slice nexthop, struct slice *address)
{
	struct hop_name name;

	*s = (struct secure_hop){0};
	if (hop_parse(&name, nexthop, "qmtps:") != 0)
		return false;
	*address = name.address;
	s->on = name.is_tls;
	s->pinned = name.is_pinned;
	s->pin = name.pin;
	if (s->on) {
		buf_puts(&s->host, name.host);
		buf_putc(&s->host, 0);
	}
	return true;
}

static void
log_fault(struct buf *why)
{
	log_open("tls-failed");
	log_bytes("why", buf_slice(why));
	log_close();
	buf_clear(why);
}

static const char *
read_key(struct secure *s)
{
	struct buf why = {0};

	if (s->key || access(TLS_CERT_FILE, F_OK) != 0)
		return NULL;
	s->key = tls_key_open(TLS_CERT_FILE, TLS_KEY_FILE, &why);
	if (!s->key)
		log_fault(&why);
	buf_free(&why);
	return s->key ? NULL : BAD_KEY;
}

/* A configuration that is bad leaves the last good one in use. */
void
secure_refresh(struct secure *s)
{
	struct buf why = {0};
	int news = s->config ? config_refresh(s->config, &why) : 0;

	if (news != 0) {
		log_open("config");
		if (news > 0)
			log_text("what", "a new one is in use");
		else
			log_bytes("bad", buf_slice(&why));
		log_close();
	}
	buf_free(&why);
}

/* The line of tlspolicy for a host; all empty if none counts here. */
static struct config_tls_line
line_of(struct secure *s, struct slice host)
{
	struct config_tls_line line = {0};

	if (!s->config)
		return line;
	secure_refresh(s);
	if (!config_tls_policy(s->config, host, &line) ||
	    line.policy != CONFIG_TLS_VERIFY)
		line = (struct config_tls_line){0};
	return line;
}

static const char *
find_roots(struct secure *s, struct slice ca, struct secure_trust *t)
{
	bool own = access(SECURE_ROOTS, F_OK) == 0;
	struct buf why = {0}, file = {0};

	if (ca.len > 0)
		buf_puts(&file, ca);
	else
		buf_text(&file, own ? SECURE_ROOTS : TLS_SYSTEM_ROOTS);
	buf_putc(&file, 0);
	t->roots = roots_get(&s->roots, buf_slice(&file).at, &why);
	if (!t->roots)
		log_fault(&why);
	buf_free(&why);
	buf_free(&file);
	return t->roots ? NULL : BAD_ROOTS;
}

const char *
secure_ask(struct secure *s, const struct secure_hop *hop,
	   struct secure_trust *t)
{
	struct slice host = buf_slice(&hop->host);
	struct config_tls_line line;
	const char *fault;

	*t = (struct secure_trust){.pinned = hop->pinned, .pin = hop->pin};
	fault = hop->on ? read_key(s) : NULL;
	if (fault || !hop->on || hop->pinned)
		return fault;
	host.len--; /* its NUL */
	line = line_of(s, host);
	if (line.pin.len > 0) {
		t->pinned = tls_pin_parse(line.pin, &t->pin) == 0;
		return t->pinned ? NULL : BAD_PIN;
	}
	buf_puts(&t->name, line.name.len > 0 ? line.name : host);
	buf_putc(&t->name, 0);
	return find_roots(s, line.ca, t);
}

bool
secure_same(const struct secure_trust *a, const struct secure_trust *b)
{
	if (a->pinned || b->pinned)
		return a->pinned && b->pinned &&
		       memcmp(&a->pin, &b->pin, sizeof a->pin) == 0;
	return a->roots == b->roots &&
	       slice_eq(buf_slice(&a->name), buf_slice(&b->name));
}

void
secure_leave(struct secure_trust *t)
{
	roots_leave(t->roots);
	buf_free(&t->name);
	*t = (struct secure_trust){0};
}

static const char *const protocols[] = {QUAIL_PROTOCOL};

void
secure_start(struct secure *s, const struct secure_trust *t, struct slice place,
	     struct stream *stream)
{
	struct tls_expected e = {
	    .pin = t->pinned ? &t->pin : NULL,
	    .roots = t->pinned ? NULL : roots_all(t->roots),
	    .name = t->pinned ? NULL : buf_slice(&t->name).at,
	};

	if (!s->memory)
		s->memory = tls_memory_new(TLS_MEMORY_CLIENT, TLS_MEMORY_S);
	tls_client(stream, s->key, &e);
	tls_protocols(stream, protocols, 1);
	tls_client_resumes(stream, s->memory, place);
}

void
secure_close(struct secure *s)
{
	tls_key_close(s->key);
	roots_close(&s->roots);
	tls_memory_close(s->memory);
	*s = (struct secure){0};
}
