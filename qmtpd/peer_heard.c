/* peer_heard.c - what has the next hop of our packages? */
#include "lib/heard.h"
#include "lib/log.h"
#include "lib/tls.h"
#include "qmtpd/hop.h"
#include "qmtpd/peer_parts.h"

uint64_t
peer_arrived(const struct peer *p)
{
	uint64_t written = p->put - p->conn.out.len;
	size_t left = 0;

	if (!tls_is_on(&p->conn.stream)) /* which has bytes of its own */
		left = heard_left(p->conn.stream.fd);
	return written > left ? written - left : 0;
}

/* With TLS it may be no word but TLS's own. */
bool
peer_has_word(const struct peer *p)
{
	return p->n_begun == 0 && !tls_is_on(&p->conn.stream) &&
	       heard_waits(p->conn.stream.fd) > 0;
}

static bool
may_have(const struct peer *p, const struct begun *b)
{
	return b->end > 0 && b->end <= p->put - p->conn.out.len;
}

bool
peer_may_have(const struct delivery *d)
{
	struct link *link;

	for (link = d->peer ? list_first(&d->peer->begun) : NULL; link;
	     link = list_next(&d->peer->begun, link)) {
		struct begun *b = OWNER(link, struct begun, link);

		if (b->delivery == d && may_have(d->peer, b))
			return true;
	}
	return false;
}

void
peer_log_duplicates(const struct peer *p)
{
	struct link *link;

	for (link = list_first(&p->begun); link;
	     link = list_next(&p->begun, link)) {
		struct begun *b = OWNER(link, struct begun, link);

		if (!b->delivery->job || !may_have(p, b))
			continue;
		log_open("possible-duplicate");
		log_id("id", b->delivery->job->id);
		log_bytes("nexthop", buf_slice(&p->hop->name));
		log_close();
	}
}
