#include "maildir/name.h"

#include <inttypes.h>
#include <stdio.h>

enum { US = 1000000 };

static uint64_t
hash(struct slice s)
{
	uint64_t h = UINT64_C(14695981039346656037);
	size_t i;

	for (i = 0; i < s.len; i++)
		h = (h ^ (uint8_t)s.at[i]) * UINT64_C(1099511628211);
	return h;
}

static size_t
put_me(char *out, struct slice me)
{
	size_t n = 0, i;

	for (i = 0; i < me.len && n + 4 <= NAME_ME_MAX; i++) {
		char c = me.at[i];

		if (c == '/' || c == ':') {
			memcpy(out + n, c == '/' ? "\\057" : "\\072", 4);
			n += 4;
		} else {
			out[n++] = c > 0x20 && c < 0x7f ? c : '_';
		}
	}
	return n;
}

void
name_put(char out[NAME_SIZE], uint64_t birth_us, uint64_t id, struct slice rcpt,
	 struct slice me)
{
	int n =
	    snprintf(out, NAME_SIZE - NAME_ME_MAX - 1,
		     "%" PRIu64 ".M%" PRIu64 "Q%016" PRIx64 "R%016" PRIx64 ".",
		     birth_us / US, birth_us % US, id, hash(rcpt));

	out[(size_t)n + put_me(out + n, me)] = 0;
}
