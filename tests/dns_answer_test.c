/* dns_answer_test.c - a question that is hard to guess; answers whole, cut,
 * too long, and in circles */
#include "lib/dns_answer.h"
#include "tests/tap.h"

#include <stdlib.h>

static struct dns_wire wire;
static uint8_t at[20000];
static size_t len, n_told;
static char told[256];

static void
put(const void *bytes, size_t n)
{
	memcpy(at + len, bytes, n);
	len += n;
}

/* The head and question of an answer with n records. */
static void
begin(unsigned n, unsigned code)
{
	len = 0;
	put(wire.bytes, wire.asked);
	at[2] = 0x81;
	at[3] = (uint8_t)(0x80 | code);
	at[6] = (uint8_t)(n >> 8);
	at[7] = (uint8_t)n;
	at[11] = 0;
}

static void
put_record(unsigned type, const void *data, size_t n)
{
	uint8_t head[12] = {0xc0, 12, 0, (uint8_t)type, 0, 1};

	head[10] = (uint8_t)(n >> 8);
	head[11] = (uint8_t)n;
	put(head, sizeof head);
	put(data, n);
}

static void
record(void *arg, struct slice whole, struct slice data)
{
	(void)arg;
	n_told++;
	if (dns_answer_name(whole, slice_from(data, 2), told) != 0)
		memcpy(told, "bad", sizeof "bad");
}

/* From memory of just that size, so that a sanitizer sees a step too far. */
static enum dns_answer_result
look(size_t n)
{
	char *copy = malloc(n ? n : 1);
	enum dns_answer_result r;

	memcpy(copy, at, n);
	n_told = 0;
	told[0] = '\0';
	r = dns_answer_read(&wire, slice_of(copy, n), record, NULL);
	free(copy);
	return r;
}

static void
mx_is(const char *rdata, size_t n, const char *name, const char *what)
{
	begin(1, 0);
	put_record(DNS_TYPE_MX, rdata, n);
	ok(look(len) == DNS_ANSWER_GOOD && n_told == 1 &&
	       strcmp(told, name) == 0,
	   "%s: %s", what, told);
}

static void
test_question(void)
{
	struct dns_wire one;
	unsigned i, same_id = 0, same_case = 0;

	dns_wire_ask(&wire, SLICE("some.host.example"), DNS_TYPE_MX);
	for (i = 0; i < 100; i++) {
		dns_wire_ask(&one, SLICE("some.host.example"), DNS_TYPE_MX);
		same_id += memcmp(one.bytes, wire.bytes, 2) == 0;
		same_case += memcmp(one.bytes + 12, wire.bytes + 12, 18) == 0;
		ok_quiet(slice_case_eq(slice_of((char *)one.bytes + 12, 18),
				       SLICE("\4some\4host\7example")) &&
			     one.bytes[30] == 0 && one.len == one.asked + 11,
			 "the name is the same");
	}
	ok(same_id <= 2 && same_case <= 3,
	   "100 questions: %u with the same id, %u written the same way",
	   same_id, same_case);
	ok(dns_wire_ask(&one, SLICE("a..b"), DNS_TYPE_A) == -1, "no name");
}

static void
test_echo(void)
{
	begin(0, 0);
	ok(dns_wire_echoes(&wire, slice_of((char *)at, len)), "an echo");
	ok(!dns_wire_echoes(&wire, slice_of((char *)at, len - 1)), "cut");
	at[13] ^= 0x20;
	ok(!dns_wire_echoes(&wire, slice_of((char *)at, len)), "other case");
	ok(look(len) == DNS_ANSWER_GOOD, "which can be read all the same");
	at[13] ^= 1;
	ok(look(len) == DNS_ANSWER_BAD, "another name cannot");
	begin(0, 3);
	ok(look(len) == DNS_ANSWER_NONE, "no such name");
	begin(0, 2);
	ok(look(len) == DNS_ANSWER_BAD, "SERVFAIL");
	begin(0, 0);
	at[2] = 1;
	ok(look(len) == DNS_ANSWER_BAD, "a question");
	begin(0, 0);
	at[1] ^= 1;
	ok(look(len) == DNS_ANSWER_BAD, "another id");
}

static void
test_names(void)
{
	mx_is("\0\1\2Mx\3HOST\0", 11, "bad", "cut in a label");
	mx_is("\0\1\2Mx\4HOST\0", 11, "mx.host", "a name");
	mx_is("\0\1\2mx\xc0\x0c", 7, "mx.some.host.example", "a pointer");
	mx_is("\0\1\0", 3, "", "the root");
	mx_is("\0\1\3a.b\0", 7, "a?b", "a dot in a label");
	mx_is("\0\1\xc0\xff", 4, "bad", "a pointer out of the answer");
	mx_is("\0\1\xc0\x31", 4, "bad", "a pointer to itself");
	mx_is("\0\1\1a\xc0\x31", 6, "bad", "a circle");
	mx_is("\0\1\x80\x01", 4, "bad", "no such kind of label");
}

static void
test_limits(void)
{
	static const uint8_t none[DNS_ANSWER_MAX];
	char longest[300] = {0, 1};
	unsigned i;

	begin(2, 0);
	put_record(DNS_TYPE_MX, "\0\1\2mx\xc0\x0c", 7);
	put_record(DNS_TYPE_MX, "\0\2\2my\xc0\x0c", 7);
	ok(look(len) == DNS_ANSWER_GOOD && n_told == 2, "two records");
	for (i = 0; i < len; i++)
		ok_quiet(look(i) == DNS_ANSWER_BAD, "cut at %u", i);
	begin(DNS_ALIASES_MAX + 1, 0);
	for (i = 0; i < DNS_ALIASES_MAX; i++)
		put_record(5, "\xc0\x0c", 2);
	put_record(DNS_TYPE_MX, "\0\1\2mx\xc0\x0c", 7);
	ok(look(len) == DNS_ANSWER_GOOD && n_told == 1, "16 aliases");
	begin(DNS_ALIASES_MAX + 1, 0);
	for (i = 0; i <= DNS_ALIASES_MAX; i++)
		put_record(5, "\xc0\x0c", 2);
	ok(look(len) == DNS_ANSWER_BAD, "17 are too many");
	begin(DNS_RECORDS_MAX + 1, 0);
	for (i = 0; i <= DNS_RECORDS_MAX; i++)
		put_record(DNS_TYPE_MX, "\0\1\0", 3);
	ok(look(len) == DNS_ANSWER_BAD && n_told == 0, "so are 513 records");
	begin(1, 0);
	put_record(16, none, DNS_ANSWER_MAX - len - 12);
	ok(len == DNS_ANSWER_MAX && look(len) == DNS_ANSWER_GOOD, "16 KiB");
	ok(look(len + 1) == DNS_ANSWER_BAD, "a byte more is too much");
	for (i = 0; i < 4; i++)
		longest[2 + 64 * i] = 63, memset(longest + 3 + 64 * i, 'a', 63);
	begin(1, 0);
	put_record(DNS_TYPE_MX, longest, 2 + 64 * 4 + 1);
	ok(look(len) == DNS_ANSWER_GOOD && strlen(told) == 255,
	   "a name of 255 bytes");
	mx_is(longest, 2 + 64 * 4, "bad", "one without end");
}

int
main(void)
{
	test_question();
	test_echo();
	test_names();
	test_limits();
	return tap_done();
}
