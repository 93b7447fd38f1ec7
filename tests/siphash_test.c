/* siphash_test.c - known answers of the reference, and every cut */
#include "lib/siphash.h"
#include "tests/tap.h"

/* key 00 01 .. 0f, input 00 01 .. of the length of the index */
static const char *const known[] = {"a3817f04ba25a8e66df67214c7550293",
				    "da87c1d86b99af44347659119b22fc45",
				    "8177228da4a45dc7fca38bdef60affe4"};

static void
hash(const uint8_t *input, size_t n, size_t cut, char hex[33])
{
	uint8_t key[SIPHASH_KEY], result[SIPHASH_SIZE];
	struct siphash h;
	size_t i;

	for (i = 0; i < sizeof key; i++)
		key[i] = (uint8_t)i;
	siphash_init(&h, key);
	for (i = 0; i < n; i += cut)
		siphash_push(&h, slice_of((const char *)input + i,
					  n - i < cut ? n - i : cut));
	siphash_end(&h, result);
	for (i = 0; i < sizeof result; i++)
		hex_put(hex + 2 * i, 2, result[i]);
	hex[32] = 0;
}

int
main(void)
{
	uint8_t input[100];
	char whole[33], pieces[33];
	size_t i, cut;

	for (i = 0; i < sizeof input; i++)
		input[i] = (uint8_t)i;
	for (i = 0; i < sizeof known / sizeof known[0]; i++) {
		hash(input, i, 64, whole);
		ok(strcmp(whole, known[i]) == 0, "known answer %zu: %s", i,
		   whole);
	}
	for (cut = 1; cut <= sizeof input; cut++) {
		hash(input, sizeof input, sizeof input, whole);
		hash(input, sizeof input, cut, pieces);
		ok_quiet(strcmp(whole, pieces) == 0, "cut at %zu", cut);
	}
	ok(cut == 101, "every cut gives the same");
	return tap_done();
}
