/* lib_test - the small parts of the floor */
#include "lib/address.h"
#include "lib/crc32c.h"
#include "lib/fs.h"
#include "lib/idmap.h"
#include "lib/log.h"
#include "lib/size.h"
#include "lib/tidy.h"
#include "lib/trace.h"
#include "lib/verdict.h"

#include "tests/tap.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

/* The same numbers in every run. */
static uint64_t
random_next(void)
{
	static uint64_t x = 0x9e3779b97f4a7c15u;

	x ^= x << 13;
	x ^= x >> 7;
	x ^= x << 17;
	return x;
}

static void
test_slice(void)
{
	struct slice none = {NULL, 0}, rest = SLICE(" one\ttwo  three ");

	ok(slice_eq(none, SLICE("")) && slice_case_eq(none, none) &&
	       slice_starts(none, none) && slice_starts(SLICE("a"), none) &&
	       slice_find(none, 'a') == 0 && slice_find_last(none, 0) == 0 &&
	       slice_trim(none).len == 0,
	   "a zeroed slice is an empty one");
	ok(slice_eq(SLICE("a\0b"), SLICE("a\0b")) &&
	       !slice_eq(SLICE("a\0b"), SLICE("a\0c")) &&
	       !slice_eq(SLICE("ab"), SLICE("abc")),
	   "equal beyond a NUL");
	ok(slice_case_eq(SLICE("aZ\xc4@["), SLICE("Az\xc4@[")) &&
	       !slice_case_eq(SLICE("@"), SLICE("`")) &&
	       !slice_case_eq(SLICE("["), SLICE("{")) &&
	       !slice_case_eq(SLICE("\xc4"), SLICE("\xe4")),
	   "only letters have a case");
	ok(slice_starts(SLICE("abc"), SLICE("ab")) &&
	       !slice_starts(SLICE("ab"), SLICE("abc")),
	   "starts");
	ok(slice_find(SLICE("a@b@c"), '@') == 1 &&
	       slice_find_last(SLICE("a@b@c"), '@') == 3 &&
	       slice_find(SLICE("abc"), '@') == 3 &&
	       slice_find_last(SLICE("abc"), '@') == 3,
	   "found first and last");
	ok(slice_eq(slice_word(&rest), SLICE("one")) &&
	       slice_eq(slice_word(&rest), SLICE("two")) &&
	       slice_eq(slice_word(&rest), SLICE("three")) &&
	       slice_word(&rest).len == 0 && rest.len == 0,
	   "words");
	ok(slice_word(&none).len == 0, "no word in a zeroed slice");
	ok(slice_eq(slice_trim(SLICE(" \t\r\na b\0 \n")), SLICE("a b\0")) &&
	       slice_trim(SLICE(" \n\t ")).len == 0,
	   "trimmed of blanks, not of NUL");
}

static void
test_numbers(void)
{
	static const struct {
		struct slice text;
		uint64_t max;
		int result;
		uint64_t value;
	} t[] = {
	    {SLICE("0"), 0, 0, 0},
	    {SLICE("1"), 0, -1, 0},
	    {SLICE("007"), 10, 0, 7},
	    {SLICE("65535"), 65535, 0, 65535},
	    {SLICE("65536"), 65535, -1, 0},
	    {SLICE("18446744073709551615"), UINT64_MAX, 0, UINT64_MAX},
	    {SLICE("18446744073709551616"), UINT64_MAX, -1, 0},
	    {SLICE("99999999999999999999"), UINT64_MAX, -1, 0},
	    {SLICE("184467440737095516150"), UINT64_MAX, -1, 0},
	    {SLICE(""), 9, -1, 0},
	    {SLICE("-1"), 9, -1, 0},
	    {SLICE("+1"), 9, -1, 0},
	    {SLICE(" 1"), 9, -1, 0},
	    {SLICE("1 "), 9, -1, 0},
	    {SLICE("1a"), 99, -1, 0},
	    {SLICE("1\0"), 99, -1, 0},
	    {SLICE("\xb1"), 99, -1, 0},
	};
	char hex[16];
	uint64_t v;
	size_t i;

	for (i = 0; i < sizeof t / sizeof *t; i++) {
		v = 4711;
		ok(slice_number(t[i].text, t[i].max, &v) == t[i].result &&
		       v == (t[i].result ? 4711 : t[i].value),
		   "number \"%s\"", t[i].text.at);
	}
	ok(slice_hex(SLICE("0123456789abcdef"), &v) == 0 &&
	       v == 0x123456789abcdef,
	   "hex");
	ok(slice_hex(SLICE("ffffffffffffffff"), &v) == 0 && v == UINT64_MAX,
	   "the greatest hex");
	ok(slice_hex(SLICE(""), &v) == -1 &&
	       slice_hex(SLICE("00000000000000000"), &v) == -1 &&
	       slice_hex(SLICE("A"), &v) == -1 &&
	       slice_hex(SLICE("g"), &v) == -1 &&
	       slice_hex(SLICE("`"), &v) == -1 &&
	       slice_hex(SLICE("-1"), &v) == -1,
	   "no hex");
	hex_put(hex, 16, 0xfedcba9876543210);
	ok(slice_eq(slice_of(hex, 16), SLICE("fedcba9876543210")), "hex out");
	hex_put(hex, 4, 0xabcde);
	ok(slice_eq(slice_of(hex, 4), SLICE("bcde")), "the low digits of it");
	hex_put(hex, 3, 0xabcde);
	hex_put(hex + 3, 1, 0x57);
	ok(memcmp(hex, "cde7", 4) == 0, "an odd number of digits");
}

static void
test_size(void)
{
	size_t r = 4711;

	ok(size_add(&r, SIZE_MAX, 1) == -1 && r == 4711 &&
	       size_mul(&r, SIZE_MAX / 2 + 1, 2) == -1 && r == 4711,
	   "sizes that wrap are refused, the result untouched");
	ok(size_add(&r, SIZE_MAX - 1, 1) == 0 && r == SIZE_MAX &&
	       size_mul(&r, SIZE_MAX / 2, 2) == 0 && r == SIZE_MAX - 1 &&
	       size_mul(&r, 0, SIZE_MAX) == 0 && r == 0,
	   "those that just fit are right");
}

/* Against a model: the bytes put are 0, 1, 2 ... and come out in order. */
static void
test_buf_random(void)
{
	struct buf b = {0};
	uint8_t next_in = 0, next_out = 0;
	bool good = true;
	size_t i, j, n, len = 0;

	for (i = 0; i < 20000 && good; i++) {
		n = random_next() % (i % 100 == 0 ? 5000 : 90);
		if (random_next() % 2) {
			char *to = buf_room(&b, n);

			for (j = 0; j < n; j++)
				to[j] = (char)next_in++;
			buf_added(&b, n);
			len += n;
		} else {
			struct slice s = buf_slice(&b);

			n = n < len ? n : len;
			for (j = 0; j < n; j++)
				good &= (uint8_t)s.at[j] == next_out++;
			buf_take(&b, n);
			len -= n;
		}
		good &= b.len == len && b.off + b.len <= b.cap;
		if (len == 0 && b.cap)
			good &= n == 0; /* nothing was taken or put */
	}
	ok(good, "20000 puts and takes agree with a model");
	buf_free(&b);
}

static void
test_buf_lent(void)
{
	char lent[] = "abcdefgh";
	struct buf b = {0};

	buf_own(&b);
	ok(!b.mem, "nothing was lent: nothing to do");
	buf_lend(&b, lent, 8);
	buf_take(&b, 3);
	ok(buf_slice(&b).at == lent + 3 && b.len == 5, "lent, and taken");
	buf_take(&b, 5);
	ok(!b.mem, "... all of it");
	buf_lend(&b, lent, 8);
	buf_take(&b, 2);
	buf_text(&b, "ij");
	memset(lent, 'x', 8);
	ok(slice_eq(buf_slice(&b), SLICE("cdefghij")) && b.cap > 0,
	   "copied, when more is put behind it");
	buf_free(&b);
	buf_lend(&b, lent, 8);
	buf_take(&b, 7);
	buf_own(&b);
	lent[7] = 'y';
	ok(slice_eq(buf_slice(&b), SLICE("x")) && b.cap > 0, "or when asked");
	buf_free(&b);
	buf_lend(&b, lent, 8);
	buf_clear(&b);
	buf_own(&b);
	ok(!b.mem, "nothing of it is left to copy");
	buf_lend(&b, lent, 8);
	buf_free(&b);
	ok(!b.mem, "and who lent it frees it");
}

static void
test_buf(void)
{
	struct buf b = {0};

	ok(buf_slice(&b).len == 0 && buf_slice(&b).at != NULL,
	   "a zeroed buf is empty");
	buf_put(&b, NULL, 0);
	ok(b.mem == NULL, "nothing put, nothing allocated");
	buf_text(&b, "id ");
	buf_hex(&b, 4, 0xbeef);
	buf_putc(&b, 0);
	buf_number(&b, UINT64_MAX);
	buf_number(&b, 0);
	ok(slice_eq(buf_slice(&b), SLICE("id beef\0"
					 "184467440737095516150")),
	   "each way to put");
	buf_cut(&b, 2);
	buf_take(&b, 1);
	ok(slice_eq(buf_slice(&b), SLICE("d")), "cut and taken");
	buf_take(&b, 1);
	ok(b.mem == NULL && b.cap == 0, "an empty one holds no memory");
	buf_text(&b, "again");
	buf_clear(&b);
	ok(b.len == 0 && b.cap > 0, "but a cleared one does");
	buf_free(&b);
	ok(b.mem == NULL && b.cap == 0 && b.off == 0, "freed is zero");
	/* the front that was taken is used before more memory is */
	memset(buf_room(&b, 256), 'x', 256);
	buf_added(&b, 256);
	buf_take(&b, 200);
	buf_putc(&b, 'y');
	ok(b.cap == 256 && b.len == 57 && buf_slice(&b).at[56] == 'y',
	   "what was taken makes room");
	buf_free(&b);
}

static void
test_verdict_text(void)
{
	struct verdict v;
	char big[VERDICT_TEXT_MAX + 100];

	verdict_set(&v, 'D', SLICE("no\0such\x1b[31m\x7f\xe4 user"));
	ok(v.code == 'D' &&
	       slice_eq(verdict_text(&v), SLICE("no?such?[31m??? user")) == 0 &&
	       slice_eq(verdict_text(&v), SLICE("no?such?[31m?? user")),
	   "hostile bytes become '?'");
	verdict_set(&v, 'Z', SLICE("one\r\n\r\n two\tthree\n"));
	ok(slice_eq(verdict_text(&v), SLICE("one two three")),
	   "lines become one");
	verdict_set(&v, 'Z', SLICE("\r\n \n"));
	ok(v.len <= 1, "nothing but line ends is (almost) nothing");
	memset(big, 'x', sizeof big);
	verdict_set(&v, 'K', slice_of(big, sizeof big));
	ok(v.len == VERDICT_TEXT_MAX, "long text is cut");
	verdict_set(&v, 'K', (struct slice){NULL, 0});
	ok(v.len == 0, "no text is fine");
	verdict_say(&v, 'Z', "");
	ok(v.len == 0 && v.code == 'Z', "said without text");
}

static void
test_verdict_parse(void)
{
	static const struct slice wrong[] = {
	    SLICE(""),	 SLICE("k"), SLICE("0"),      SLICE(" Kok"),
	    SLICE("\0"), SLICE("X"), SLICE("250 ok"),
	};
	struct verdict v;
	size_t i;

	ok(verdict_parse(&v, SLICE("Kok 1 qp 2")) == 0 && v.code == 'K' &&
	       slice_eq(verdict_text(&v), SLICE("ok 1 qp 2")),
	   "K");
	ok(verdict_parse(&v, SLICE("D Sorry (#5.1.1)\n")) == 0 &&
	       v.code == 'D' && slice_eq(verdict_status(&v), SLICE("5.1.1")),
	   "D as aQmail says it");
	ok(verdict_parse(&v, SLICE("Z")) == 0 && v.code == 'Z' && v.len == 0,
	   "Z without text");
	for (i = 0; i < sizeof wrong / sizeof *wrong; i++)
		ok(verdict_parse(&v, wrong[i]) == -1 && v.code == 'Z' &&
		       v.len > 0,
		   "no verdict is Z, not D: \"%s\"", wrong[i].at);
}

static void
test_verdict_status(void)
{
	static const struct {
		char code;
		const char *text, *status;
	} t[] = {
	    {'D', "no such user (#5.1.1)", "5.1.1"},
	    {'Z', "later (#4.3.0) please", "4.3.0"},
	    {'K', "fine (#2.6.0)", "2.6.0"},
	    {'D', "550 5.7.1 go away", "5.7.1"},
	    {'D', "5.7.26 go away", "5.7.26"},
	    {'Z', "451 4.7.1 greylisted", "4.7.1"},
	    {'D', "(#5.123.456)", "5.123.456"},
	    {'D', "(#5.1234.1)", "5.0.0"},
	    {'D', "(#5.1.1234)", "5.0.0"},
	    {'Z', "lying (#5.1.1)", "4.0.0"},
	    {'D', "lying (#4.1.1)", "5.0.0"},
	    {'K', "", "2.0.0"},
	    {'Z', "", "4.0.0"},
	    {'D', "", "5.0.0"},
	    {'D', "(#", "5.0.0"},
	    {'D', "(#5", "5.0.0"},
	    {'D', "(#5.", "5.0.0"},
	    {'D', "(#5.1", "5.0.0"},
	    {'D', "(#5.1.", "5.0.0"},
	    {'D', "(#5.1.1)", "5.1.1"}, /* leaves its ')' behind the next */
	    {'D', "(#5.1.1", "5.0.0"},
	    {'D', "(#5.1.1x)", "5.0.0"},
	    {'D', "(#5..1)", "5.0.0"},
	    {'D', "(#(#(#5.1.1)", "5.1.1"},
	    {'D', "(#4.0.0) and (#5.2.2)", "5.2.2"},
	    {'D', "550", "5.0.0"},
	    {'D', "550 ", "5.0.0"},
	    {'D', "550 no", "5.0.0"},
	};
	struct verdict v;
	size_t i;

	for (i = 0; i < sizeof t / sizeof *t; i++) {
		verdict_say(&v, t[i].code, t[i].text);
		ok(slice_eq(verdict_status(&v), slice_text(t[i].status)),
		   "status of %c \"%s\"", t[i].code, t[i].text);
	}
}

static struct slice
lowered(struct buf *b, struct slice address)
{
	buf_clear(b);
	address_put_lower(b, address);
	return buf_slice(b);
}

static struct slice
quoted(struct buf *b, struct slice address)
{
	buf_clear(b);
	address_put_quoted(b, address);
	return buf_slice(b);
}

static void
test_address(void)
{
	static const struct {
		struct slice plain, quoted;
	} q[] = {
	    {SLICE(""), SLICE("")},
	    {SLICE("a@b.test"), SLICE("a@b.test")},
	    {SLICE("a.b-c+d=e@b.test"), SLICE("a.b-c+d=e@b.test")},
	    {SLICE("a b@c.test"), SLICE("\"a b\"@c.test")},
	    {SLICE("a\"b\\c@d.test"), SLICE("\"a\\\"b\\\\c\"@d.test")},
	    {SLICE(".a@b.test"), SLICE("\".a\"@b.test")},
	    {SLICE("a.@b.test"), SLICE("\"a.\"@b.test")},
	    {SLICE("a..b@c.test"), SLICE("\"a..b\"@c.test")},
	    {SLICE("@b.test"), SLICE("\"\"@b.test")},
	    {SLICE("a@b@c.test"), SLICE("\"a@b\"@c.test")},
	    {SLICE("x>y@b.test"), SLICE("\"x>y\"@b.test")},
	    {SLICE("x\0y@b.test"), SLICE("\"x\0y\"@b.test")},
	    {SLICE("\xc3\xa4@b.test"), SLICE("\xc3\xa4@b.test")},
	    {SLICE("postmaster"), SLICE("postmaster")},
	};
	static const struct {
		const char *address, *why;
	} faults[] = {
	    {"a@", "no domain"},
	    {"@b.test", "nobody"},
	    {"a@b..test", "between two dots"},
	    {"a@.test", "before one"},
	    {"a@.", "before one"},
	    {"a@b test", "blank"},
	    {"a@b\r", "CR"},
	    {"a@"
	     "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"
	     ".test",
	     "more than 63"},
	    {"a@x.x.x.x.x.x.x.x.x.x.x.x.x.x.x.x.x.x.x.x.x.x.x.x.x.x.x.x.x.x.x.x"
	     ".x.x.x.x.x.x.x.x.x.x.x.x.x.x.x.x.x.x.x.x.x.x.x.x.x.x.x.x.x.x.x.x."
	     "x"
	     ".x.x.x.x.x.x.x.x.x.x.x.x.x.x.x.x.x.x.x.x.x.x.x.x.x.x.x.x.x.x.x.x."
	     "x"
	     ".x.x.x.x.x.x.x.x.x.x.x.x.x.x.x.x.x.x.x.x.x.x.x.x.x.x.x.x.x.x.x.x."
	     "x",
	     "more than 253"},
	};
	struct slice local, domain;
	struct buf b = {0};
	char big[ADDRESS_MAX + 1];
	size_t i;

	ok(address_split(SLICE("a@b@c.test"), &local, &domain) &&
	       slice_eq(local, SLICE("a@b")) &&
	       slice_eq(domain, SLICE("c.test")),
	   "cut at the last @");
	ok(!address_split(SLICE("root"), &local, &domain) &&
	       slice_eq(local, SLICE("root")) && domain.len == 0,
	   "no domain");
	ok(address_split(SLICE("@"), &local, &domain) && local.len == 0 &&
	       domain.len == 0,
	   "nothing but @");
	ok(!address_split(SLICE(""), &local, &domain) && local.len == 0,
	   "nothing");
	for (i = 0; i < sizeof faults / sizeof *faults; i++)
		ok(address_why(slice_text(faults[i].address)) &&
		       strstr(address_why(slice_text(faults[i].address)),
			      faults[i].why),
		   "%s: %s", faults[i].address, faults[i].why);
	ok(!address_why(SLICE("a@b.test.")) && !address_why(SLICE("")),
	   "no fault");
	ok(slice_eq(lowered(&b, SLICE("User@Host.TEST.")),
		    SLICE("User@host.test")) &&
	       slice_eq(lowered(&b, SLICE("A@B@C.\xc4")),
			SLICE("A@B@c.\xc4")) &&
	       slice_eq(lowered(&b, SLICE("Root")), SLICE("Root")) &&
	       slice_eq(lowered(&b, SLICE("a@.")), SLICE("a@")),
	   "the domain in lower case, without the dot at its end");
	for (i = 0; i < sizeof q / sizeof *q; i++)
		ok(slice_eq(quoted(&b, q[i].plain), q[i].quoted), "quoted: %s",
		   q[i].plain.at);
	memset(big, 'x', sizeof big);
	ok(address_sane(slice_of(big, ADDRESS_MAX)) &&
	       !address_sane(slice_of(big, ADDRESS_MAX + 1)) &&
	       address_sane(SLICE("")) && !address_sane(SLICE("a\0b")) &&
	       !address_sane(SLICE("a\nb")) && !address_sane(SLICE("a\rb")) &&
	       address_sane(SLICE("\xff\x01")),
	   "what is an address at all");
	buf_free(&b);
}

/* A domain of so many labels of so many bytes, after "a@". */
static struct slice
at_labels(struct buf *b, size_t n, size_t len)
{
	size_t i, k;

	buf_clear(b);
	buf_text(b, "a@");
	for (i = 0; i < n; i++) {
		if (i > 0)
			buf_putc(b, '.');
		for (k = 0; k < len; k++)
			buf_putc(b, 'x');
	}
	return buf_slice(b);
}

static void
test_address_domains(void)
{
	static const struct {
		struct slice address;
		bool is_sane;
	} cases[] = {
	    {SLICE("a@b"), true},
	    {SLICE("a@b."), true},
	    {SLICE("a@[192.0.2.1]"), true},
	    {SLICE("a@[IPv6:2001:db8::1]"), true},
	    {SLICE("#@[]"), true},
	    {SLICE("list-@host-@[]"), true},
	    {SLICE("root"), true},
	    {SLICE("a@\xc3\xa4.test"), true},
	    {SLICE("a@"), false},
	    {SLICE("@b"), false},
	    {SLICE("a@."), false},
	    {SLICE("a@b.."), false},
	    {SLICE("a@.b"), false},
	    {SLICE("a@b..c"), false},
	    {SLICE("a@b c"), false},
	    {SLICE("a@b\x7f"), false},
	    {SLICE("a@b\t"), false},
	};
	struct buf b = {0};
	size_t i;

	for (i = 0; i < sizeof cases / sizeof *cases; i++)
		ok(address_sane(cases[i].address) == cases[i].is_sane &&
		       address_fits(cases[i].address),
		   "%s is %san address", cases[i].address.at,
		   cases[i].is_sane ? "" : "not ");
	ok(address_sane(at_labels(&b, 1, 63)) &&
	       !address_sane(at_labels(&b, 1, 64)),
	   "a label has at most 63 bytes");
	ok(address_sane(at_labels(&b, 127, 1)) &&
	       !address_sane(at_labels(&b, 128, 1)),
	   "a domain has at most 253 bytes");
	at_labels(&b, 127, 1);
	buf_putc(&b, '.');
	ok(address_sane(buf_slice(&b)), "without the dot at its end");
	buf_free(&b);
}

static void
test_trace(void)
{
	struct endpoint peer, nobody = {0};
	struct buf b = {0};
	char big[400];

	endpoint_parse(&peer, SLICE("192.0.2.7"), 4711);
	trace_received(&b, SLICE("leaf7"), &peer, SLICE("hub.example"), "QMQP",
		       0x69300001000000a1, 1795293611);
	ok(slice_eq(buf_slice(&b),
		    SLICE("Received: from leaf7 (192.0.2.7)\n"
			  "  by hub.example with QMQP id 69300001000000a1;\n"
			  "  Sat, 21 Nov 2026 20:40:11 +0000\n")),
	   "the page's example");
	buf_clear(&b);
	trace_received(&b, SLICE("a\r\nX: y\0(z) \xe4\x1b"), &nobody,
		       SLICE("h"), "QMTP", 1, 0);
	ok(slice_starts(buf_slice(&b),
			SLICE("Received: from a??X:?y??z???? (local)\n  by h "
			      "with QMTP id 0000000000000001;\n  Thu, 01 Jan "
			      "1970 00:00:00 +0000\n")),
	   "a hostile name forges no line");
	memset(big, 'x', sizeof big);
	buf_clear(&b);
	trace_received(&b, slice_of(big, sizeof big), &nobody, SLICE("h"), "Q",
		       1, 0);
	ok(slice_find(buf_slice(&b), '(') == 15 + 255 + 1, "a long one is cut");
	buf_clear(&b);
	endpoint_parse(&peer, SLICE("2001:db8::1"), 1);
	trace_received(&b, SLICE(""), &peer, SLICE("h"), "Q", 1, 0);
	ok(slice_starts(buf_slice(&b), SLICE("Received: from (2001:db8::1)\n")),
	   "no name");
	buf_clear(&b);
	trace_date(&b, 4102444799);
	trace_date(&b, INT64_MAX);
	ok(slice_starts(buf_slice(&b),
			SLICE("Thu, 31 Dec 2099 23:59:59 +0000")),
	   "past 2038; and a year beyond all years does no harm");
	buf_free(&b);
}

static void
test_hostport(void)
{
	static const struct {
		const char *text;
		int result;
		const char *host;
		uint16_t port;
	} t[] = {
	    {"192.0.2.1:25", 0, "192.0.2.1", 25},
	    {"[2001:db8::1]:209", 0, "2001:db8::1", 209},
	    {"mx.example:65535", 0, "mx.example", 65535},
	    {"mx.example:0", -1, "", 0},
	    {"mx.example:65536", -1, "", 0},
	    {"mx.example:99999999999999999999", -1, "", 0},
	    {"mx.example:", -1, "", 0},
	    {"mx.example", -1, "", 0},
	    {":25", -1, "", 0},
	    {"", -1, "", 0},
	    {":", -1, "", 0},
	    {"[]:25", -1, "", 0},
	    {"[:25", -1, "", 0},
	    {"[::1:25", -1, "", 0},
	    {"[::1]25", -1, "", 0},
	    {"::1:25", -1, "", 0},
	    {"2001:db8::1", -1, "", 0},
	    {"a: 25", -1, "", 0},
	    {"a:25 ", -1, "", 0},
	    {"a:-1", -1, "", 0},
	};
	struct slice host;
	uint16_t port;
	size_t i;

	for (i = 0; i < sizeof t / sizeof *t; i++) {
		int r = hostport_split(slice_text(t[i].text), &host, &port);

		ok(r == t[i].result &&
		       (r || (slice_eq(host, slice_text(t[i].host)) &&
			      port == t[i].port)),
		   "hostport \"%s\"", t[i].text);
	}
}

static void
test_endpoint(void)
{
	static const struct {
		struct slice text;
		const char *host; /* NULL: no address */
	} t[] = {
	    {SLICE("127.0.0.1"), "127.0.0.1"},
	    {SLICE("::1"), "::1"},
	    {SLICE("2001:DB8:0:0::1"), "2001:db8::1"},
	    {SLICE("::ffff:192.0.2.1"), "192.0.2.1"},
	    {SLICE("0.0.0.0"), "0.0.0.0"},
	    {SLICE("::"), "::"},
	    {SLICE(""), NULL},
	    {SLICE("127.0.0"), NULL},
	    {SLICE("127.0.0.256"), NULL},
	    {SLICE("127.0.0.1 "), NULL},
	    {SLICE("127.0.0.1\0"), NULL},
	    {SLICE("0x7f.1"), NULL},
	    {SLICE("localhost"), NULL},
	    {SLICE("[::1]"), NULL},
	    {SLICE("fe80::1%lo"), NULL},
	    {SLICE("1:2:3:4:5:6:7:8:9"), NULL},
	    {SLICE("0000:0000:0000:0000:0000:0000:0000:0000:0000:0000"), NULL},
	};
	struct endpoint e, none = {0};
	struct buf b = {0};
	uint8_t bytes[16];
	size_t i;

	for (i = 0; i < sizeof t / sizeof *t; i++) {
		int r = endpoint_parse(&e, t[i].text, 4711);

		buf_clear(&b);
		if (r == 0)
			endpoint_host(&e, &b);
		ok(t[i].host
		       ? r == 0 &&
			     slice_eq(buf_slice(&b), slice_text(t[i].host)) &&
			     endpoint_port(&e) == 4711
		       : r == -1 && e.len == 0,
		   "address \"%s\"", t[i].text.at);
	}
	ok(endpoint_parse(&e, (struct slice){NULL, 0}, 1) == -1,
	   "a zeroed slice is no address");
	endpoint_parse(&e, SLICE("192.0.2.1"), 1);
	ok(endpoint_address(&e, bytes) == 0 &&
	       !memcmp(bytes, "\0\0\0\0\0\0\0\0\0\0\xff\xff\xc0\0\2\1", 16),
	   "v4 as 16 bytes");
	ok(endpoint_address(&none, bytes) == -1 && bytes[15] == 1 &&
	       bytes[0] == 0 && endpoint_port(&none) == 0,
	   "none is the local host");
	buf_free(&b);
}

/* A thousand ids, many of them with the same home, against an array. */
enum { IDS = 1000 };

static uint64_t
model_id(size_t i)
{
	/* ids that differ only above the bits that the hash brings down
	 * collide; the others lie as close as a lease's */
	return i % 2 ? 0x6930000100000000u + i : (uint64_t)(i + 1) << 44;
}

static void
test_idmap(void)
{
	static int values[IDS];
	struct idmap map = {0};
	void *model[IDS] = {0};
	size_t i, j, k, n = 0;
	bool good = true;

	ok(idmap_get(&map, 1) == NULL && idmap_any(&map) == NULL,
	   "a zeroed map is empty");
	idmap_drop(&map, 1);
	for (i = 0; i < 60000 && good; i++) {
		j = random_next() % IDS;
		/* grow for a while, shrink for a while */
		if (random_next() % 8 < (i / 10000 % 2 ? 2u : 6u)) {
			k = random_next() % IDS;
			idmap_put(&map, model_id(j), &values[k]);
			n += model[j] == NULL;
			model[j] = &values[k];
		} else {
			idmap_drop(&map, model_id(j));
			n -= model[j] != NULL;
			model[j] = NULL;
		}
		good &= map.n == n;
		if (i % 64 == 0)
			for (k = 0; k < IDS; k++)
				good &=
				    idmap_get(&map, model_id(k)) == model[k];
	}
	ok(good, "60000 puts and drops agree with a model");
	ok(idmap_get(&map, 0) == NULL, "nothing is 0's");
	idmap_free(&map);
	ok(map.slots == NULL && map.n == 0, "freed is zero");
}

static void
test_idmap_any(void)
{
	static uint64_t ids[50000];
	struct idmap map = {0};
	size_t i, n = sizeof ids / sizeof *ids;
	uint64_t *id;

	for (i = 0; i < n; i++) {
		ids[i] = i + 1;
		idmap_put(&map, ids[i], &ids[i]);
	}
	/* were each search to begin at the front, this would take a minute */
	for (i = 0; (id = idmap_any(&map)); i++)
		idmap_drop(&map, *id);
	ok(i == n && map.n == 0, "50000 taken out one by one, each once");
	idmap_put(&map, 7, &ids[6]);
	ok(idmap_any(&map) == &ids[6], "and it is of use again");
	idmap_free(&map);
}

static void
test_crc32c(void)
{
	char bytes[5000];
	struct slice zeros;
	bool same = true, cut = true, joined = true;
	size_t i, n, at;

	memset(bytes, 0, sizeof bytes);
	zeros = slice_of(bytes, 32);
	ok(crc32c(0, SLICE("123456789")) == 0xe3069283 &&
	       crc32c(0, zeros) == 0x8a9136aa && crc32c(0, SLICE("")) == 0,
	   "known answers");
	memset(bytes, 0xff, 32);
	ok(crc32c(0, zeros) == 0x62a8ab43, "of ones");
	for (i = 0; i < 32; i++)
		bytes[i] = (char)i;
	ok(crc32c(0, zeros) == 0x46dd794e, "of 0 to 31");
	for (i = 0; i < 32; i++)
		bytes[i] = (char)(31 - i);
	ok(crc32c(0, zeros) == 0x113fdb5c, "of 31 to 0");
	for (i = 0; i < 1000; i++) {
		uint32_t seed = (uint32_t)random_next();
		struct slice s;

		for (n = 0; n < sizeof bytes; n++)
			bytes[n] = (char)random_next();
		at = random_next() % 16;
		s = slice_of(bytes + at, random_next() % (sizeof bytes - 16));
		same &= crc32c(seed, s) == crc32c_portable(seed, s);
		n = random_next() % (s.len + 1);
		cut &= crc32c(crc32c(seed, slice_of(s.at, n)),
			      slice_from(s, n)) == crc32c(seed, s);
		joined &= crc32c_join(crc32c(seed, slice_of(s.at, n)),
				      crc32c(0, slice_from(s, n)),
				      s.len - n) == crc32c(seed, s);
	}
	ok(same, "with and without the instruction");
	ok(cut, "in one piece and in two");
	ok(joined, "of two pieces that were read apart");
}

/* what the log writes, caught on its way to descriptor 2 */
static struct slice
logged(char *room, size_t size, void (*say)(void))
{
	int to_us[2], stderr_fd = dup(2);
	ssize_t n;

	fflush(stderr);
	if (pipe(to_us) != 0)
		return SLICE("no pipe");
	dup2(to_us[1], 2);
	say();
	log_flush();
	dup2(stderr_fd, 2);
	close(stderr_fd);
	close(to_us[1]);
	n = read(to_us[0], room, size);
	close(to_us[0]);
	return slice_of(room, n > 0 ? (size_t)n : 0);
}

static void
say_plain(void)
{
	log_open("accept");
	log_id("id", 0x6930000100000001);
	log_bytes("from", SLICE("a@b.test"));
	log_number("rcpts", 2);
	log_number("low", INT64_MIN);
	log_text("name", "x");
	log_close();
}

static void
say_hostile(void)
{
	log_open("e");
	log_bytes("a", SLICE("x\nquail: event=accept"));
	log_bytes("b", SLICE(""));
	log_bytes("c", SLICE("\"\\\x1b[0m \x7f\xff\0="));
	log_bytes("d", SLICE("two words"));
	log_bytes("e", SLICE("k=v"));
	log_close();
}

static void
say_long(void)
{
	char big[600];

	memset(big, 'x', sizeof big);
	log_open("e");
	log_bytes("a", slice_of(big, 512));
	log_bytes("b", slice_of(big, 513));
	log_close();
}

static void
test_log(void)
{
	char room[8192];
	struct slice s;

	log_program("test");
	ok(slice_eq(logged(room, sizeof room, say_plain),
		    SLICE("test: event=accept id=6930000100000001 "
			  "from=a@b.test rcpts=2 low=-9223372036854775808 "
			  "name=x\n")),
	   "a line");
	ok(slice_eq(logged(room, sizeof room, say_hostile),
		    SLICE("test: event=e a=\"x\\x0aquail: event=accept\" "
			  "b=\"\" c=\"\\x22\\x5c\\x1b[0m \\x7f\\xff\\x00=\" "
			  "d=\"two words\" e=\"k=v\"\n")),
	   "hostile values forge no line and reach no terminal");
	s = logged(room, sizeof room, say_long);
	ok(s.len == strlen("test: event=e a= b=...\n") + 2 * 512 &&
	       s.at[s.len - 5] == 'x' && s.at[s.len - 2] == '.',
	   "long values are cut, and say so");
}

static void
test_tidy(void)
{
	struct tidy t = {0};

	ok(!tidy_look(&t, 0), "nothing was done: nothing to tidy");
	ok(!tidy_look(&t, 5) && !tidy_look(&t, 9), "not while there is work");
	ok(tidy_look(&t, 9), "when it pauses");
	ok(!tidy_look(&t, 9), "once");
	ok(!tidy_look(&t, 10) && tidy_look(&t, 10), "and after the next");
}

/* A directory that others write in has what they like. */
static void
test_files(void)
{
	char path[] = "/tmp/quail-lib-test-XXXXXX";
	int dir, fd;

	if (!mkdtemp(path) || (dir = fs_open_dir(AT_FDCWD, path)) < 0 ||
	    mkfifoat(dir, "pipe", 0600) != 0)
		exit(1);
	alarm(20);
	ok(fs_open(dir, "pipe", O_RDONLY, 0) == -1 && errno == ENXIO,
	   "a pipe with no writer is no file, and nobody waits for one");
	ok(fs_open(dir, "pipe", O_RDWR | O_CREAT, 0600) == -1 && errno == ENXIO,
	   "nor to write");
	fd = openat(dir, "pipe", O_RDWR);
	ok(fs_open(dir, "pipe", O_WRONLY, 0) == -1 && errno == ENXIO,
	   "nor when somebody reads");
	close(fd);
	ok(fs_open(dir, ".", O_RDONLY, 0) == -1 && errno == ENXIO,
	   "a directory is none");
	fd = fs_open(dir, "file", O_RDWR | O_CREAT, 0600);
	ok(fd >= 0 && fs_close(fd) == 0, "a file is one");
	alarm(0);
	unlinkat(dir, "pipe", 0);
	unlinkat(dir, "file", 0);
	rmdir(path);
	fs_close(dir);
}

int
main(void)
{
	test_slice();
	test_numbers();
	test_size();
	test_buf();
	test_buf_lent();
	test_buf_random();
	test_verdict_text();
	test_verdict_parse();
	test_verdict_status();
	test_address();
	test_address_domains();
	test_trace();
	test_hostport();
	test_endpoint();
	test_idmap();
	test_idmap_any();
	test_crc32c();
	test_log();
	test_tidy();
	test_files();
	return tap_done();
}
