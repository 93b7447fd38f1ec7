/* hops_test.c - trace lines of the header are counted, at every cut */
#include "lib/netstring.h"
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
	hops_free(&h);
	return h.n;
}

/* What is kept, as words; "|" between the two lists, "=" and the number. */
static void
keeps(struct slice text, const char *want)
{
	size_t cut, i;
	bool good = true;

	for (cut = 1; cut <= text.len; cut++) {
		struct buf told = {0};
		struct slice rest, one;
		struct hops h = {0};

		for (i = 0; i < text.len; i += cut)
			hops_push(&h, slice_of(text.at + i, text.len - i < cut
								? text.len - i
								: cut));
		for (rest = buf_slice(&h.delivered);
		     netstring_slice(&rest, &one) == 0; buf_putc(&told, ' '))
			buf_puts(&told, one);
		buf_putc(&told, '|');
		for (rest = buf_slice(&h.kept);
		     netstring_slice(&rest, &one) == 0; buf_putc(&told, ' '))
			buf_puts(&told, one);
		buf_hex(&told, 2, h.ids.len / sizeof(uint64_t));
		buf_putc(&told, '=');
		buf_number(&told, h.expanded);
		good = good && slice_eq(buf_slice(&told), slice_text(want));
		if (!good)
			fprintf(stderr, "# %.*s\n", (int)told.len,
				buf_slice(&told).at);
		buf_free(&told);
		hops_free(&h);
	}
	ok(good, "at every cut: %s", want);
}

static void
test_long(void)
{
	struct buf text = {0};
	struct hops h = {0};
	int i;

	buf_text(&text, "Delivered-To: ");
	for (i = 0; i < 3000; i++)
		buf_putc(&text, 'x');
	buf_putc(&text, '\n');
	for (i = 0; i < 500; i++)
		buf_text(&text,
			 "X-Quail-Expanded: 1 00000000000000a1 a@b.test h\n");
	hops_push(&h, buf_slice(&text));
	ok(h.n == 1 && h.delivered.len == 0, "what is too long names nobody");
	ok(h.n_kept == HOPS_KEPT_MAX && hops_room(&h) < 32768,
	   "%zu bytes are kept", hops_room(&h));
	ok(hops_kept(&h, SLICE("A@b.test h")) &&
	       !hops_kept(&h, SLICE("a@b.test")) &&
	       !hops_delivered(&h, SLICE("a@b.test h")),
	   "and found");
	hops_free(&h);
	buf_free(&text);
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
	keeps(SLICE("Delivered-To: a@b.test\nX: y\ndelivered-to:c\n"
		    "DELIVERED-TO: \t dd \r\nDelivered-To:\n"
		    "Delivered-Tom: no@b.test\n\nDelivered-To: e@f.test\n"),
	      "a@b.test c dd |00=0");
	keeps(SLICE("X-Quail-Expanded: 12 00000000000000a1 team@hub.test me\n"
		    "x-quail-expanded:7\nX-Quail-Expanded: x\n"
		    " X-Quail-Expanded: 99 00000000000000a1 b@hub.test\n"),
	      "|team@hub.test me 01=4294967295");
	keeps(SLICE("X-Quail-Expanded: 12\nX-Quail-Expanded: 3 0 a@b c\n\n"
		    "X-Quail-Expanded: 13 0 d@e\n"),
	      "|a@b c 00=12");
	test_long();
	return tap_done();
}
