#include "qmtpd/secure.h"

#include "lib/hop.h"
#include "lib/log.h"
#include "lib/tls_memory.h"
#include "qmtpd/quail.h"

#include <unistd.h>

#define BAD_KEY	  "our own key cannot be used (#4.3.5)"
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

static const char *
read_roots(struct secure *s)
{
	bool own = access(SECURE_ROOTS, F_OK) == 0;
	struct buf why = {0};

	if (s->roots)
		return NULL;
	s->roots = tls_roots_open(own ? SECURE_ROOTS : TLS_SYSTEM_ROOTS, &why);
	if (!s->roots)
		log_fault(&why);
	buf_free(&why);
	return s->roots ? NULL : BAD_ROOTS;
}

const char *
secure_fault(struct secure *s, const struct secure_hop *hop)
{
	const char *fault = hop->on ? read_key(s) : NULL;

	if (!fault && hop->on && !hop->pinned)
		fault = read_roots(s);
	return fault;
}

static const char *const protocols[] = {QUAIL_PROTOCOL};

void
secure_start(struct secure *s, const struct secure_hop *hop, struct slice place,
	     struct stream *stream)
{
	struct tls_expected e = {
	    .pin = hop->pinned ? &hop->pin : NULL,
	    .roots = s->roots,
	    .name = hop->pinned ? NULL : buf_slice(&hop->host).at,
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
	tls_roots_close(s->roots);
	tls_memory_close(s->memory);
	*s = (struct secure){0};
}
