#include "queue/claims.h"

static const struct {
	const char *proto;
	unsigned fronts;
	bool has_keys;
} protocols[] = {{"QMQP", ADMIT_QMQP, false},  {"QMQPS", ADMIT_QMQP, true},
		 {"QMTP", ADMIT_QMTP, false},  {"QMTPS", ADMIT_QMTP, true},
		 {"SMTP", ADMIT_SMTP, false},  {"ESMTP", ADMIT_SMTP, false},
		 {"ESMTPS", ADMIT_SMTP, false}};

enum { N_PROTOCOLS = sizeof protocols / sizeof *protocols };

/* Where one user is all front ends, it may be a site's own as well. */
static bool
may_speak(unsigned fronts, struct slice proto)
{
	size_t i;

	for (i = 0; i < N_PROTOCOLS; i++)
		if (slice_eq(proto, slice_text(protocols[i].proto)))
			return (protocols[i].fronts & fronts) != 0;
	return fronts == ADMIT_FRONTS;
}

static bool
may_see_keys(unsigned fronts)
{
	size_t i;

	for (i = 0; i < N_PROTOCOLS; i++)
		if (protocols[i].has_keys && (protocols[i].fronts & fronts))
			return true;
	return false;
}

/* For the first time only: what the queue looks at is what it keeps. */
static int
once(bool *has, bool may)
{
	bool first = !*has;

	*has = true;
	return first && may ? 0 : -1;
}

int
claims_attr(struct claims *c, unsigned fronts, struct slice attr)
{
	if (slice_starts(attr, SLICE("proto=")))
		return once(&c->has_proto,
			    may_speak(fronts, slice_from(attr, 6)));
	if (slice_starts(attr, SLICE("client=")))
		return once(&c->has_client, true);
	if (slice_starts(attr, SLICE("pin=")))
		return once(&c->has_pin, may_see_keys(fronts));
	if (slice_eq(attr, SLICE("relay=1")))
		c->may_relay = true;
	return 0;
}
