/* hops_test.c - trace lines of the header are counted, at every cut */
#include "queue/hops.h"
#include "tests/tap.h"

static unsigned
count(struct slice text, size_t cut)
{
	struct hops h = {0};
	size_t i;

	for (i = 0; i < text.len; i += cut)
		hops_push(&h,
			  slice_of(text.at + i,
				   text.len - i < cut ? text.len - i : cut));
	return h.n;
}

static void
check(struct slice text, unsigned want, const char *what)
{
	size_t cut;
	bool good = true;

	for (cut = 1; cut <= text.len; cut++)
		good = good && count(text, cut) == want;
	ok(good, "%s: %u at every cut", what, want);
}

int
main(void)
{
	check(SLICE("Received: a\n  b\nreceived: c\nDELIVERED-TO: d\nX: e\n\n"),
	      3, "both names, any case");
	check(SLICE("X: a\n\nReceived: b\nDelivered-To: c\n"), 0,
	      "nothing in the body counts");
	check(SLICE("X: a\r\n\r\nReceived: b\r\n"), 0, "CR LF too");
	check(SLICE(" Received: a\nReceive: b\nReceived : c\n"
		    "Received-SPF: d\nDelivered-Tom: e\n"),
	      0, "what only looks like one");
	return tap_done();
}
