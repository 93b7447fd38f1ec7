/* via_test.c - who came of which alias, and what his copy says of it */
#include "lib/netstring.h"
#include "queue/via.h"
#include "tests/tap.h"

static struct buf attrs;

/* all@h: 0 to 6; within it team@h: 1 to 4, within that x@h: 2; two@h: 5, 6 */
static void
begin(void)
{
	netstring_put(&attrs, SLICE("proto=QMTP"));
	via_put(&attrs, &(struct via){1, 8, SLICE("all@h")});
	via_put(&attrs, &(struct via){2, 6, SLICE("team@h")});
	via_put(&attrs, &(struct via){3, 4, SLICE("x@h")});
	via_put(&attrs, &(struct via){6, 8, SLICE("two words@h")});
	via_put(&attrs, &(struct via){9, 10, SLICE("one@h")});
	netstring_put(&attrs, SLICE("expanded=7 hub.test"));
	netstring_put(&attrs, SLICE("loops=2,5,7"));
}

static void
test_walk(void)
{
	static const uint32_t want[] = {0, 1, 2, 3, 2, 2, 4, 4, 0, 5, 0};
	static const char loops[] = "..L..L.L...";
	struct via_walk w;
	uint32_t i, from;
	bool good = true, found = true;

	for (from = 0; from < 11; from++) {
		via_walk_begin(&w, buf_slice(&attrs));
		for (i = from; i < 11; i++) {
			good &= via_walk_to(&w, i, SLICE("r@h")) == want[i];
			found &= via_walk_loops(&w, i) == (loops[i] == 'L');
		}
	}
	ok(good, "those of the same aliases go together, wherever it begins");
	ok(found, "and those that loop are known");
	via_walk_begin(&w, buf_slice(&attrs));
	from = via_walk_to(&w, 4, SLICE("TEAM@h"));
	i = via_walk_to(&w, 5, SLICE("all@h"));
	ok(from != 2 && i != 2 && from != i && i != 1,
	   "one of an alias's own name goes alone");
	via_walk_begin(&w, SLICE(""));
	ok(via_walk_to(&w, 3, SLICE("r@h")) == 0, "no aliases");
}

static void
says(uint32_t index, const char *rcpt, const char *want)
{
	struct buf out = {0};

	via_lines(&out, buf_slice(&attrs), 0xa1, index, slice_text(rcpt));
	ok(slice_eq(buf_slice(&out), slice_text(want)), "%s, number %u", rcpt,
	   index);
	if (!slice_eq(buf_slice(&out), slice_text(want)))
		fprintf(stderr, "# %.*s", (int)out.len, buf_slice(&out).at);
	buf_free(&out);
}

static void
test_lines(void)
{
	says(0, "r@h", "");
	says(1, "r@h",
	     "Delivered-To: all@h\nX-Quail-Expanded: 49 00000000000000a1\n");
	says(3, "r@h",
	     "Delivered-To: all@h\nDelivered-To: team@h\n"
	     "Delivered-To: x@h\nX-Quail-Expanded: 49 00000000000000a1\n");
	says(4, "Team@h",
	     "Delivered-To: all@h\n"
	     "X-Quail-Expanded: 49 00000000000000a1 team@h hub.test\n");
	says(7, "r@h",
	     "Delivered-To: all@h\nDelivered-To: two words@h\n"
	     "X-Quail-Expanded: 49 00000000000000a1\n");
	says(9, "r@h", "Delivered-To: one@h\n");
	says(9, "one@h",
	     "X-Quail-Expanded: 7 00000000000000a1 one@h hub.test\n");
	says(10, "r@h", "");
}

static void
test_bad(void)
{
	static const char *const bad[] = {
	    "via=",	 "via=1",     "via=1-",
	    "via=1-2",	 "via=-2 a",  "via=2-2 a",
	    "via=3-2 a", "via=x-2 a", "via=1-4294967296 a",
	    "vib=1-2 a"};
	struct via v;
	size_t i;

	for (i = 0; i < sizeof bad / sizeof *bad; i++)
		ok(!via_parse(slice_text(bad[i]), &v), "no via: %s", bad[i]);
}

/* Deeper than aliases go, as no queue of ours writes it. */
static void
test_deep(void)
{
	struct buf deep = {0};
	struct via_walk w;
	uint32_t i;

	for (i = 0; i < 3 * VIA_DEPTH_MAX; i++)
		via_put(&deep, &(struct via){0, 100 - i, SLICE("a@h")});
	via_walk_begin(&w, buf_slice(&deep));
	ok(via_walk_to(&w, 5, SLICE("r@h")) == VIA_DEPTH_MAX, "deep ones");
	buf_free(&deep);
}

int
main(void)
{
	begin();
	test_walk();
	test_lines();
	test_bad();
	test_deep();
	buf_free(&attrs);
	return tap_done();
}
