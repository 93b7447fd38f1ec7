/* peer_heard.c - what has the next hop of our packages? */
#include "lib/heard.h"
#include "lib/log.h"
#include "lib/tls.h"
#include "qmtpd/hop.h"
#include "qmtpd/peer_parts.h"

static uint64_t
written(const struct peer *p)
{
	return p->put - p->conn.out.len;
}

uint64_t
peer_arrived(const struct peer *p)
{
	uint64_t out = written(p);
	size_t left = 0;

	if (!tls_is_on(&p->conn.stream)) /* which has bytes of its own */
		left = heard_left(p->conn.stream.fd);
	return out > left ? out - left : 0;
}

/* With TLS it may be no word but TLS's own. */
bool
peer_has_word(const struct peer *p)
{
	return p->n_begun == 0 && !tls_is_on(&p->conn.stream) &&
	       heard_waits(p->conn.stream.fd) > 0;
}

/* Of a connection that was reset the kernel knows no more what arrived. */
static uint64_t
may_have_arrived(const struct peer *p)
{
	return p->conn.error ? written(p) : peer_arrived(p);
}

void
peer_take_back(const struct peer *p)
{
	if (p->n_begun > 0 && heard_left(p->conn.stream.fd) > 0)
		heard_no_more(p->conn.stream.fd);
}

bool
peer_may_have(const struct delivery *d, bool is_over)
{
	struct link *link;
	uint64_t out;

	if (!d->peer)
		return false;
	out = is_over ? may_have_arrived(d->peer) : written(d->peer);
	for (link = list_first(&d->peer->begun); link;
	     link = list_next(&d->peer->begun, link)) {
		struct begun *b = OWNER(link, struct begun, link);

		if (b->delivery == d && b->end > 0 && b->end <= out)
			return true;
	}
	return false;
}

void
peer_log_duplicates(const struct peer *p)
{
	uint64_t arrived = may_have_arrived(p);
	struct link *link;

	if (p->is_foreign) /* whoever that is has taken no mail */
		return;
	for (link = list_first(&p->begun); link;
	     link = list_next(&p->begun, link)) {
		struct begun *b = OWNER(link, struct begun, link);

		if (!b->delivery->job || b->end == 0 || b->end > arrived)
			continue;
		log_open("possible-duplicate");
		log_id("id", b->delivery->job->id);
		log_bytes("nexthop", buf_slice(&p->hop->name));
		log_close();
	}
}
