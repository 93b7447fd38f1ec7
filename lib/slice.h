/* slice.h - borrowed bytes: a pointer and a length
 *
 * Message text and addresses are never C strings here. A slice owns
 * nothing; it is valid for as long as whoever gave it says.
 *
 * Test  tests/lib_test.c
 */
#ifndef QUAIL_LIB_SLICE_H
#define QUAIL_LIB_SLICE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct slice {
	const char *at;
	size_t len;
};

/* SLICE - a slice of a string literal */
#define SLICE(literal) ((struct slice){(literal), sizeof(literal) - 1})

static inline struct slice
slice_of(const char *at, size_t len)
{
	return (struct slice){at, len};
}

static inline struct slice
slice_text(const char *s)
{
	return (struct slice){s, strlen(s)};
}

static inline bool
slice_eq(struct slice a, struct slice b)
{
	return a.len == b.len && (a.len == 0 || !memcmp(a.at, b.at, a.len));
}

/* slice_case_eq - are they equal when ASCII case does not count? */
bool
slice_case_eq(struct slice a, struct slice b);

bool
slice_starts(struct slice s, struct slice prefix);

/* slice_from - what follows the first n bytes (n <= s.len) */
static inline struct slice
slice_from(struct slice s, size_t n)
{
	return (struct slice){n > 0 ? s.at + n : s.at, s.len - n};
}

/* slice_find - where byte c is first
 *
 * Returns  the index, or s.len when it is not there.
 */
size_t
slice_find(struct slice s, char c);

/* slice_find_last - where byte c is last; s.len when it is not there */
size_t
slice_find_last(struct slice s, char c);

/* slice_word - take the next word off *rest
 *
 * Words are separated by spaces and tabs.
 * Returns  the word; of length 0 when there is none left. *rest then
 *          begins behind it.
 */
struct slice
slice_word(struct slice *rest);

/* slice_trim - without spaces, tabs, CR and LF at both ends */
struct slice
slice_trim(struct slice s);

/* slice_number - read a decimal number that fills the slice
 *
 * Returns  0 and the value in *r; -1 for no digit, a non-digit, or a
 *          value over max. Leading zeros are accepted.
 */
int
slice_number(struct slice s, uint64_t max, uint64_t *r);

/* slice_hex - read a fixed-width lower-case hex number (len <= 16)
 *
 * Returns  0 and the value in *r; -1 for any other byte or length 0.
 */
int
slice_hex(struct slice s, uint64_t *r);

/* hex_put - write v as n lower-case hex digits at out (no NUL) */
void
hex_put(char *out, unsigned n, uint64_t v);

#endif
