/* book.h - what crash-client has sent, heard and been given: its ledger, and
 * the texts that go with the numbers in it; see client.c */
#ifndef QUAIL_TESTS_CRASH_BOOK_H
#define QUAIL_TESTS_CRASH_BOOK_H

#include "lib/buf.h"
#include "lib/idmap.h"

enum { BOOK_RCPTS = 2, BOOK_TEXT_MAX = 305000, BOOK_HEAD = 35 };

/* what the ledger says of a message */
struct book_known {
	uint64_t job; /* its id in the queue; 0: not seen yet */
	bool acked, delivered[BOOK_RCPTS];
};

struct book {
	int ledger;
	struct idmap known; /* struct book_known, by number */
	struct buf pending; /* numbers that are to be sent again */
	uint64_t last_number;
	size_t n_missing; /* counted by book_missing */
	unsigned long n_again, n_repeats, n_twice;
};

/* book_open - read what there is, and note a start; dies when it cannot */
void
book_open(struct book *b, const char *path);

/* book_note - write a line, before what it says happens */
void
book_note(struct book *b, char what, uint64_t number, size_t rcpt,
	  uint64_t job);

/* book_known - what is known of a number, nothing at first */
struct book_known *
book_known(struct book *b, uint64_t number);

/* book_next - the number of the next message; what has no answer first */
uint64_t
book_next(struct book *b);

/* book_delivered - note a delivery; one by a second job is told on stdout */
void
book_delivered(struct book *b, uint64_t number, size_t rcpt, uint64_t job);

/* book_missing - count the recipients of a K that nothing was delivered to;
 * tell: the first ones on stdout */
void
book_missing(struct book *b, bool tell);

/* book_mix - a random number that always is the same for the same */
uint64_t
book_mix(uint64_t number);

size_t
book_text_size(uint64_t number);

/* book_text - its text, whose Message-ID says the number: BOOK_HEAD bytes */
void
book_text(char text[BOOK_TEXT_MAX], uint64_t number);

/* book_number - which text begins so? 0: none */
uint64_t
book_number(struct slice head);

#endif
