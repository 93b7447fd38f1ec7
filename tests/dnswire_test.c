/* dnswire_test.c - a DNS question, and replies whole, cut and wrong */
#include "lib/dnswire.h"

#include "tests/tap.h"

#include <stdlib.h>

#define QUESTION "\x12\x34\x01\x00\0\1\0\0\0\0\0\0\3hub\4test\0\0\1\0\1"
#define NAME	 "\3hub\4test\0\0\1\0\1"
#define HEAD	 "\x12\x34\x81\x80\0\1\0\3\0\0\0\0"

/* An alias, then two addresses. */
static const char reply[] = HEAD NAME "\xc0\x0c\0\5\0\1\0\0\0\x3c\0\2\xc0\x10"
				      "\xc0\x0c\0\1\0\1\0\0\0\x3c\0\4\x7f\0\0\1"
				      "\1a\0\0\1\0\1\0\0\0\x3c\0\4\x7f\0\0\2";

enum { REPLY = sizeof reply - 1, FIRST_END = 12 + 14 + 14 + 16 };

static struct dnswire_query query;
static uint8_t list[3][16];
static size_t n;

/* From memory of just that size, so that a sanitizer sees a step too far. */
static enum dnswire_result
take(const char *bytes, size_t len, size_t max)
{
	char *copy = malloc(len ? len : 1);
	enum dnswire_result r;

	memcpy(copy, bytes, len);
	r = dnswire_take(&query, slice_of(copy, len), list, max, &n);
	free(copy);
	return r;
}

static void
test_question(void)
{
	char longest[254];

	ok(dnswire_ask(&query, SLICE("hub.test"), DNSWIRE_A, 0x1234) == 0 &&
	       slice_eq(slice_of((char *)query.bytes, query.len),
			slice_of(QUESTION, sizeof QUESTION - 1)),
	   "the question is that of the header's example");
	ok(dnswire_ask(&query, SLICE("hub.test."), DNSWIRE_A, 1) == 0 &&
	       query.len == sizeof QUESTION - 1,
	   "a dot behind the name changes nothing");
	ok(dnswire_ask(&query, SLICE(""), DNSWIRE_A, 1) != 0 &&
	       dnswire_ask(&query, SLICE("."), DNSWIRE_A, 1) != 0 &&
	       dnswire_ask(&query, SLICE("a..b"), DNSWIRE_A, 1) != 0 &&
	       dnswire_ask(&query, SLICE(".a"), DNSWIRE_A, 1) != 0,
	   "no empty label");
	memset(longest, 'a', sizeof longest);
	ok(dnswire_ask(&query, slice_of(longest, 63), 1, 1) == 0 &&
	       dnswire_ask(&query, slice_of(longest, 64), 1, 1) != 0,
	   "a label of 63 bytes and none of 64");
	longest[63] = longest[127] = longest[191] = '.';
	ok(dnswire_ask(&query, slice_of(longest, 253), 1, 1) == 0 &&
	       query.len == 12 + 255 + 4 &&
	       dnswire_ask(&query, slice_of(longest, 254), 1, 1) != 0,
	   "a name of 253 bytes and none of 254");
}

static void
test_reply(void)
{
	size_t cut, bad = 0;

	dnswire_ask(&query, SLICE("HUB.test"), DNSWIRE_A, 0x1234);
	ok(take(reply, REPLY, 3) == DNSWIRE_FOUND && n == 2 &&
	       memcmp(list[0], "\x7f\0\0\1", 4) == 0 &&
	       memcmp(list[1], "\x7f\0\0\2", 4) == 0,
	   "both addresses, behind an alias");
	ok(take(reply, REPLY, 1) == DNSWIRE_FOUND && n == 1, "room for one");
	for (cut = 0; cut < REPLY; cut++) {
		enum dnswire_result r = take(reply, cut, 3);

		bad += cut < query.len
			   ? r != DNSWIRE_FOREIGN
			   : r != DNSWIRE_FOUND || n != (cut >= FIRST_END);
	}
	ok(bad == 0, "cut anywhere: what is whole counts");
}

static enum dnswire_result
take_with(size_t at, int byte)
{
	char other[REPLY];

	memcpy(other, reply, REPLY);
	other[at] = (char)byte;
	return take(other, REPLY, 3);
}

static void
test_wrong(void)
{
	ok(take_with(1, 0x35) == DNSWIRE_FOREIGN, "another id");
	ok(take_with(2, 0x01) == DNSWIRE_FOREIGN, "a question is no reply");
	ok(take_with(5, 2) == DNSWIRE_FOREIGN, "two questions");
	ok(take_with(13, 'x') == DNSWIRE_FOREIGN, "another name");
	ok(take_with(23, 28) == DNSWIRE_FOREIGN, "another type");
	ok(take_with(3, 0x83) == DNSWIRE_NO_NAME, "no such name");
	ok(take_with(3, 0x82) == DNSWIRE_FAILED, "the server cannot say");
	ok(take_with(26, 0x40) == DNSWIRE_FOUND && n == 0,
	   "a label of a kind that there is not");
	ok(take_with(7, 255) == DNSWIRE_FOUND && n == 2,
	   "fewer records than promised");
	ok(take_with(51, 5) == DNSWIRE_FOUND && n < 2,
	   "an address of five bytes is none");
}

/* Bytes at random: nothing to say, but the sanitizer may have. */
static void
test_any(void)
{
	char other[REPLY];
	unsigned round, i;

	srand(1);
	for (round = 0; round < 20000; round++) {
		memcpy(other, reply, REPLY);
		for (i = 0; i < 4; i++)
			other[24 + rand() % (REPLY - 24)] = (char)rand();
		take(other, REPLY - (size_t)rand() % 40, 3);
		ok_quiet(n <= 3, "no more than there is room for");
	}
}

int
main(void)
{
	test_question();
	test_reply();
	test_wrong();
	test_any();
	return tap_done();
}
