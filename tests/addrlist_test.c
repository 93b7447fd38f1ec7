/* addrlist_test.c - lists of addresses as they come, and none that are none */
#include "qmqpc/addrlist.h"

#include "tests/tap.h"

#include <stdlib.h>

struct story {
	char text[4096];
	size_t len;
};

static void
tell(struct story *s, const struct addrlist *a, enum addrlist_event event)
{
	if (event == ADDRLIST_MORE || s->len + a->len + 8 > sizeof s->text)
		return;
	if (event == ADDRLIST_BAD) {
		s->text[s->len++] = '!';
		return;
	}
	s->text[s->len++] = a->has_domain ? '<' : '{';
	memcpy(s->text + s->len, a->address, a->len);
	s->len += a->len;
	s->text[s->len++] = a->has_domain ? '>' : '}';
}

static struct slice
run(struct story *s, struct slice in)
{
	struct addrlist a = {0};
	enum addrlist_event event = ADDRLIST_MORE;
	size_t i;

	s->len = 0;
	for (i = 0; i < in.len && event != ADDRLIST_BAD; i++) {
		event = addrlist_push(&a, (uint8_t)in.at[i]);
		tell(s, &a, event);
	}
	if (event != ADDRLIST_BAD)
		tell(s, &a, addrlist_end(&a));
	return slice_of(s->text, s->len);
}

/* In: a list. Told: <> around an address with a domain, {} without, ! for
 * bad. The first is the example of addrlist.h. */
static const struct {
	const char *in, *told;
} cases[] = {
    {"Joe <joe@a.test>, \"J. (x)\" <@r.test:j@b.test>, team: ann, "
     "bob@c.test;",
     "<joe@a.test><j@b.test>{ann}<bob@c.test>"},
    {"a@b.test, c@d.test", "<a@b.test><c@d.test>"},
    {"a@b.test,c@d.test", "<a@b.test><c@d.test>"},
    {"root", "{root}"},
    {"root,  daemon", "{root}{daemon}"},
    {"", ""},
    {" \t\n ", ""},
    {",,a@b,,c@d,,", "<a@b><c@d>"},
    {"a@b.test\n , c@d.test", "<a@b.test><c@d.test>"},
    {"a @ b . test , c", "<a@b.test>{c}"},
    {"<a@b>,<c@d>", "<a@b><c@d>"},
    {"Joe Q. Public <joe@a>, c@d", "<joe@a><c@d>"},
    {"joe@shown.test <joe@real.test>, c", "<joe@real.test>{c}"},
    {"[x] y <a@b>, c", "<a@b>{c}"},
    {"\"Doe, Joe\" <joe@a>, c", "<joe@a>{c}"},
    {"\"a \\\"b\\\" <x@y>,\" <joe@a>, c", "<joe@a>{c}"},
    {"(comment, with (more) and \\) ) a@b (end), c", "<a@b>{c}"},
    {"a@b (Joe, (Q) Public), (x) c (y)", "<a@b>{c}"},
    {"a(x)@(y)b(z).(w)c", "<a@b.c>"},
    {"\"joe smith\"@a.test, c", "<joe smith@a.test>{c}"},
    {"\"joe,\\\"smith\\\\\"@a.test, c", "<joe,\"smith\\@a.test>{c}"},
    {"\"a@b\", c", "{a@b}{c}"},
    {"\"a@b\"@d, c", "<a@b@d>{c}"},
    {"j.\"o o\".e@a, c", "<j.o o.e@a>{c}"},
    {"a\\ b@c, d", "<a b@c>{d}"},
    {"\"a\n b\"@c, d", "<a b@c>{d}"},
    {"a@[192.0.2.1], c@[IPv6:2001:db8::1]",
     "<a@[192.0.2.1]><c@[IPv6:2001:db8::1]>"},
    {"#@[], c", "<#@[]>{c}"},
    {"<@r1.test,@r2.test:a@b>, c", "<a@b>{c}"},
    {"undisclosed-recipients:;, c", "{c}"},
    {"undisclosed-recipients: ;", ""},
    {"unclosed: a@b, c", "<a@b>{c}"},
    {"A:a@b,c@d;, B: e@f;, g", "<a@b><c@d><e@f>{g}"},
    {"a@b; c@d;", "<a@b><c@d>"},
    {"<>, c", "{c}"},
    {"M\xc3\xbcller <m\xc3\xbc@a>, c", "<m\xc3\xbc@a>{c}"},
    {"o'brien@a.test, x+y=z!%#$&*-/?^_`{|}~@b", "<o'brien@a.test>"
						"<x+y=z!%#$&*-/?^_`{|}~@b>"},
    {"-X/tmp/x@a, c", "<-X/tmp/x@a>{c}"},
    {"a@b.", "<a@b.>"},
    /* what is not clear */
    {"joe smith", "!"},
    {"joe smith, c", "!"},
    {"a@b c@d", "!"},
    {"a\"b\"@c", "!"},
    {"c, a@b@d", "{c}!"},
    {"a@", "!"},
    {"a@, c", "!"},
    {"@b", "!"},
    {"\"\"@b", "!"},
    {"\"\"", "!"},
    {"<a@b", "!"},
    {"<a@b, c", "!"},
    {"a@b>", "!"},
    {"<a@b> c", "!"},
    {"<a@b> <c@d>", "!"},
    {"<a@b>@c", "!"},
    {"<a@b>.c", "!"},
    {"<a@b>[c]", "!"},
    {"<a@b>\"c\"", "!"},
    {"<a@b>:c", "!"},
    {"<a<b@c>>", "!"},
    {"<a b@c>, d", "!"},
    {"<@r.test>", "!"},
    {"<a:b@c>", "!"},
    {"a@b Bcc: c@d;", "!"},
    {"(open", "!"},
    {"a@b (open \\)", "!"},
    {"a@b)", "!"},
    {"\"open", "!"},
    {"\"open\\\"", "!"},
    {"a@[open", "!"},
    {"a@b\\", "!"},
    {"a[b], c", "!"},
    {"x@[a@b], c", "!"},
    {"x@[a\\ b], c", "!"},
    {"x@\"a@b\", c", "!"},
    {"x@a\\@b, c", "!"},
    {"a@b \"c\" <d@e>, c", "<d@e>{c}"},
    {"[x@y] <a@b>, c", "<a@b>{c}"},
    {"a\x01@b", "!"},
    {"a\x7f@b", "!"},
    {"a\\\nb@c", "!"},
    {"\"a\\\rb\"@c", "!"},
};

static void
test_cases(void)
{
	struct story s;
	size_t i;

	for (i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct slice got = run(&s, slice_text(cases[i].in));

		ok(slice_eq(got, slice_text(cases[i].told)), "case %zu: %.*s",
		   i, (int)got.len, got.at);
	}
	ok(slice_eq(run(&s, slice_of("a\0b@c", 5)), SLICE("!")), "NUL");
	ok(slice_eq(run(&s, slice_of("\"a\0\"@c", 6)), SLICE("!")),
	   "NUL in quotes");
}

static void
test_sizes(void)
{
	static char in[4 * ADDRESS_MAX];
	struct story s;
	struct slice got;

	memset(in, 'x', sizeof in);
	memcpy(in + ADDRESS_MAX - 2, "@b, c", 5);
	got = run(&s, slice_of(in, ADDRESS_MAX + 3));
	ok(got.len == ADDRESS_MAX + 5, "the longest address, %zu", got.len);
	memset(in, 'x', sizeof in);
	memcpy(in + ADDRESS_MAX - 1, "@b, c", 5);
	got = run(&s, slice_of(in, ADDRESS_MAX + 4));
	ok(slice_eq(got, SLICE("!")), "one byte too long");
	memset(in, 'x', sizeof in);
	memcpy(in + sizeof in - 9, " <a@b>, c", 9);
	got = run(&s, slice_of(in, sizeof in));
	ok(slice_eq(got, SLICE("<a@b>{c}")), "a display name of any length");
	memset(in, '(', sizeof in);
	ok(slice_eq(run(&s, slice_of(in, sizeof in)), SLICE("!")),
	   "nothing but open comments");
}

static void
test_stays_bad(void)
{
	struct addrlist a = {0};
	bool good = true;
	int i;

	addrlist_push(&a, ')');
	for (i = 0; i < 256; i++)
		good &= addrlist_push(&a, (uint8_t)i) == ADDRLIST_BAD;
	ok(good && addrlist_end(&a) == ADDRLIST_BAD, "bad stays bad");
}

/* Whatever comes, an address can stand in an envelope. */
static void
test_noise(void)
{
	static const char bytes[] = "ab@.<>,;:\"\\()[] \t\r\n\0\x80@,a<>";
	unsigned seed = 1, round, i;
	bool good = true;

	for (round = 0; round < 20000; round++) {
		struct addrlist a = {0};

		for (i = 0; i < 24; i++) {
			enum addrlist_event e;

			seed = seed * 1103515245u + 12345u;
			e = addrlist_push(
			    &a, (uint8_t)bytes[(seed >> 16) % sizeof bytes]);
			if (e == ADDRLIST_ADDRESS)
				good &=
				    a.len > 0 &&
				    address_fits(slice_of(a.address, a.len));
		}
	}
	ok(good, "noise gives addresses that fit");
}

int
main(void)
{
	test_cases();
	test_sizes();
	test_stays_bad();
	test_noise();
	return tap_done();
}
