/* fuzz.h - what the fuzz harnesses share
 *
 * A harness is one file NAME_fuzz.c with the function that libFuzzer calls.
 * It checks properties, not only that nothing crashes: the same story
 * whatever the cuts, the same answer as a second, plain reading of the same
 * bytes, there and back unchanged, caps held. `make fuzz` builds them with
 * clang and libFuzzer; replay.c feeds them the committed corpus in `make
 * test`, with any compiler.
 *
 * The first two bytes of an input choose where it is cut, so the fuzzer
 * moves the cuts as it moves anything else.
 */
#ifndef QUAIL_TESTS_FUZZ_FUZZ_H
#define QUAIL_TESTS_FUZZ_FUZZ_H

#include "lib/buf.h"

/* LLVMFuzzerTestOneInput - run one input
 *
 * Returns  0. Ends the process when a property does not hold.
 */
int
LLVMFuzzerTestOneInput(const uint8_t *at, size_t n);

/* fuzz_check - what must hold; ends the process with a line if it does not */
#define fuzz_check(condition)                                                  \
	((condition) ? (void)0 : fuzz_fail(#condition, __FILE__, __LINE__))

_Noreturn void
fuzz_fail(const char *what, const char *file, int line);

/* fuzz_same - two stories must be the same; else both are shown */
#define fuzz_same(a, b) fuzz_compare(a, b, __FILE__, __LINE__)

void
fuzz_compare(const struct buf *a, const struct buf *b, const char *file,
	     int line);

struct fuzz_cuts {
	uint32_t state;
	uint32_t max; /* longest piece */
};

/* fuzz_cuts_take - read two bytes off the front of *in; without them, the
 * pieces are of one byte */
struct fuzz_cuts
fuzz_cuts_take(struct slice *in);

/* fuzz_cut - how long the next piece is: 1 to left (> 0) bytes */
size_t
fuzz_cut(struct fuzz_cuts *cuts, size_t left);

/* fuzz_feed - hand in over in pieces
 *
 * Each ends where its memory ends, so that a sanitizer sees a step too far,
 * and is overwritten after the call.
 * Takes    cuts, or NULL for one piece.
 * Returns  false as soon as push does.
 */
bool
fuzz_feed(struct slice in, struct fuzz_cuts *cuts,
	  bool (*push)(void *user, struct slice piece), void *user);

/* fuzz_byte - take a byte off the front; 0 when there is none */
uint8_t
fuzz_byte(struct slice *in);

/* fuzz_take - take n bytes off the front, or what there is */
struct slice
fuzz_take(struct slice *in, size_t n);

/* fuzz_string - take a byte that says how many follow, and those */
struct slice
fuzz_string(struct slice *in);

/* fuzz_long - make the input longer: 0xfe and a byte k are the byte before
 * them, 16 k times, so that short inputs reach long limits
 *
 * Returns  bytes that are valid until the next call.
 */
struct slice
fuzz_long(struct slice in);

/* fuzz_exact - a copy in memory of its own; free its at
 *
 * Returns  one with an address also when s is empty.
 */
char *
fuzz_exact(struct slice s);

/* fuzz_tell - append "what(bytes) ", or "what(?) " for an at of NULL */
void
fuzz_tell(struct buf *story, const char *what, struct slice s);

/* fuzz_netstring - a second reading of netstrings, apart from lib's
 *
 * Returns  0 with *r, and *rest behind it; -1: there is none in front.
 */
int
fuzz_netstring(struct slice *rest, struct slice *r);

#endif
