/* netstring_test - the head machine and whole netstrings */
#include "lib/netstring.h"

#include "tests/tap.h"

#include <stdlib.h>

/* what a head is, byte by byte: the result after the last byte that counts */
static const struct {
	struct slice wire;
	enum netstring_result result;
	uint64_t len;
} heads[] = {
    {SLICE("12:"), NETSTRING_DONE, 12},
    {SLICE("0:"), NETSTRING_DONE, 0},
    {SLICE("1:"), NETSTRING_DONE, 1},
    {SLICE("10:"), NETSTRING_DONE, 10},
    {SLICE("1000000000:"), NETSTRING_DONE, 1000000000},
    {SLICE("9999999999:"), NETSTRING_DONE, 9999999999u},
    {SLICE(""), NETSTRING_MORE, 0},
    {SLICE("5"), NETSTRING_MORE, 0},
    {SLICE("0"), NETSTRING_MORE, 0},
    {SLICE("9999999999"), NETSTRING_MORE, 0},
    {SLICE(":"), NETSTRING_BAD, 0},
    {SLICE("00:"), NETSTRING_BAD, 0},
    {SLICE("01:"), NETSTRING_BAD, 0},
    {SLICE("006:"), NETSTRING_BAD, 0},
    {SLICE("-1:"), NETSTRING_BAD, 0},
    {SLICE("+5:"), NETSTRING_BAD, 0},
    {SLICE(" 5:"), NETSTRING_BAD, 0},
    {SLICE("5 :"), NETSTRING_BAD, 0},
    {SLICE("5\0:"), NETSTRING_BAD, 0},
    {SLICE("\0"), NETSTRING_BAD, 0},
    {SLICE("0x5:"), NETSTRING_BAD, 0},
    {SLICE("5a:"), NETSTRING_BAD, 0},
    {SLICE("a"), NETSTRING_BAD, 0},
    {SLICE("/:"), NETSTRING_BAD, 0},
    {SLICE("5/"), NETSTRING_BAD, 0},
    {SLICE("5;"), NETSTRING_BAD, 0},
    {SLICE("5,"), NETSTRING_BAD, 0},
    {SLICE("5\n:"), NETSTRING_BAD, 0},
    {SLICE("\xb5:"), NETSTRING_BAD, 0},
    {SLICE("10000000000"), NETSTRING_BAD, 0},
    {SLICE("18446744073709551616:"), NETSTRING_BAD, 0},
    {SLICE("99999999999999999999:"), NETSTRING_BAD, 0},
};

static void
test_heads(void)
{
	size_t i, j;

	for (i = 0; i < sizeof heads / sizeof *heads; i++) {
		struct netstring_head h = {0, 0};
		enum netstring_result r = NETSTRING_MORE;

		for (j = 0; j < heads[i].wire.len && r == NETSTRING_MORE; j++)
			r = netstring_head_push(&h,
						(uint8_t)heads[i].wire.at[j]);
		ok(r == heads[i].result &&
		       (r != NETSTRING_DONE ||
			(h.len == heads[i].len && j == heads[i].wire.len)),
		   "head %zu: \"%s\"", i, heads[i].wire.at);
	}
}

/* every byte in each place of a head is a digit, the colon, or bad */
static void
test_every_byte(void)
{
	bool good = true;
	unsigned byte;

	for (byte = 0; byte < 256; byte++) {
		struct netstring_head first = {0, 0}, second = {0, 0};
		bool digit = byte >= '0' && byte <= '9';
		enum netstring_result r;

		r = netstring_head_push(&first, (uint8_t)byte);
		good &= ok_quiet(r == (digit ? NETSTRING_MORE : NETSTRING_BAD),
				 "byte %u first", byte);
		netstring_head_push(&second, '7');
		r = netstring_head_push(&second, (uint8_t)byte);
		good &= ok_quiet(r == (digit	     ? NETSTRING_MORE
				       : byte == ':' ? NETSTRING_DONE
						     : NETSTRING_BAD),
				 "byte %u second", byte);
	}
	ok(good, "each of 256 bytes, first and second");
}

/* a copy of exactly n bytes, so that the sanitizer sees each byte beyond */
static struct slice
exact(struct slice s)
{
	char *copy = malloc(s.len ? s.len : 1);

	memcpy(copy, s.at, s.len);
	return slice_of(copy, s.len);
}

static bool
refused(struct slice wire)
{
	struct slice all = exact(wire), rest = all, r = SLICE("untouched");
	bool good = netstring_slice(&rest, &r) == -1 && rest.at == all.at &&
		    rest.len == all.len && slice_eq(r, SLICE("untouched"));

	free((void *)(uintptr_t)all.at);
	return good;
}

static void
test_slice(void)
{
	static const struct slice bad[] = {
	    SLICE(""),
	    SLICE(":"),
	    SLICE(","),
	    SLICE(":,"),
	    SLICE("00:,"),
	    SLICE("01:a,"),
	    SLICE("1:a"),
	    SLICE("1:a;"),
	    SLICE("1:"),
	    SLICE("2:a,"),
	    SLICE("1:ab,"),
	    SLICE("5:ab,"),
	    SLICE("-1:a,"),
	    SLICE("9999999999:a,"),
	    SLICE("4294967297:a,"),
	    SLICE("18446744073709551615:a,"),
	    SLICE("18446744073709551617:a,"),
	};
	struct slice wire = SLICE("12:hello world!,0:,3:a\0b,x"), rest = wire,
		     r;
	size_t i;

	ok(netstring_slice(&rest, &r) == 0 &&
	       slice_eq(r, SLICE("hello world!")),
	   "the page's example");
	ok(netstring_slice(&rest, &r) == 0 && r.len == 0, "an empty one");
	ok(netstring_slice(&rest, &r) == 0 && slice_eq(r, SLICE("a\0b")),
	   "one with NUL");
	ok(slice_eq(rest, SLICE("x")) && netstring_slice(&rest, &r) == -1,
	   "what is behind stays");
	for (i = 0; i < sizeof bad / sizeof *bad; i++)
		ok(refused(bad[i]), "refused: \"%s\"", bad[i].at);
	for (i = 0; i < 16; i++)
		ok(refused(slice_of(wire.at, i)), "cut at %zu", i);
}

static void
test_nested(void)
{
	struct buf inner = {0}, outer = {0};
	struct slice rest, list, r;

	netstring_put(&inner, SLICE("c@d.test"));
	netstring_put(&inner, SLICE(""));
	netstring_put(&inner, SLICE("e@f.test"));
	netstring_put(&outer, buf_slice(&inner));
	rest = buf_slice(&outer);
	ok(slice_eq(rest, SLICE("25:8:c@d.test,0:,8:e@f.test,,")),
	   "a list is built in its canonical form");
	ok(netstring_slice(&rest, &list) == 0 && rest.len == 0, "and taken");
	ok(netstring_slice(&list, &r) == 0 && slice_eq(r, SLICE("c@d.test")) &&
	       netstring_slice(&list, &r) == 0 && r.len == 0 &&
	       netstring_slice(&list, &r) == 0 &&
	       slice_eq(r, SLICE("e@f.test")) && list.len == 0,
	   "apart, in order");
	/* the inner one is longer than what is around it */
	rest = SLICE("4:9:ab,,8:c@d.test,");
	ok(netstring_slice(&rest, &list) == 0 &&
	       netstring_slice(&list, &r) == -1,
	   "an inner length beyond the outer end");
	buf_free(&inner);
	buf_free(&outer);
}

static void
test_round_trip(void)
{
	bool good = true;
	size_t len;

	for (len = 0; len < 1200; len += len < 20 ? 1 : 97) {
		struct buf text = {0}, wire = {0};
		struct slice rest, r;

		memset(buf_room(&text, len + 1), ',', len + 1);
		buf_added(&text, len);
		netstring_put(&wire, buf_slice(&text));
		rest = buf_slice(&wire);
		good &=
		    ok_quiet(netstring_slice(&rest, &r) == 0 &&
				 slice_eq(r, buf_slice(&text)) && rest.len == 0,
			     "%zu commas", len);
		buf_free(&text);
		buf_free(&wire);
	}
	ok(good, "payloads of commas, 0 to 1200 bytes, there and back");
}

int
main(void)
{
	test_heads();
	test_every_byte();
	test_slice();
	test_nested();
	test_round_trip();
	return tap_done();
}
