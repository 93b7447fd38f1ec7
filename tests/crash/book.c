#include "tests/crash/book.h"

#include <err.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum { BIG = 300000 };

void
book_note(struct book *b, char what, uint64_t number, size_t rcpt, uint64_t job)
{
	char line[96];
	int n =
	    snprintf(line, sizeof line, "%c %llu %zu %016llx\n", what,
		     (unsigned long long)number, rcpt, (unsigned long long)job);

	if (write(b->ledger, line, (size_t)n) != n)
		err(111, "writing the ledger");
}

struct book_known *
book_known(struct book *b, uint64_t number)
{
	struct book_known *k = idmap_get(&b->known, number);

	if (!k) {
		k = calloc(1, sizeof *k);
		if (!k)
			err(111, "no memory");
		idmap_put(&b->known, number, k);
	}
	if (number > b->last_number)
		b->last_number = number;
	return k;
}

uint64_t
book_next(struct book *b)
{
	uint64_t number;

	if (b->pending.len == 0)
		return b->last_number + 1;
	memcpy(&number, buf_slice(&b->pending).at, sizeof number);
	buf_take(&b->pending, sizeof number);
	b->n_repeats++;
	return number;
}

void
book_delivered(struct book *b, uint64_t number, size_t rcpt, uint64_t job)
{
	struct book_known *k = book_known(b, number);

	book_note(b, 'D', number, rcpt, job);
	if (k->job != 0 && k->job != job) {
		printf("twice: %llu: %016llx, %016llx\n",
		       (unsigned long long)number, (unsigned long long)k->job,
		       (unsigned long long)job);
		b->n_twice++;
	} else if (k->delivered[rcpt]) {
		b->n_again++;
	}
	k->job = job;
	k->delivered[rcpt] = true;
}

void
book_missing(struct book *b, bool tell)
{
	size_t i, rcpt;

	b->n_missing = 0;
	for (i = 0; i < b->known.cap; i++) {
		const struct book_known *k = b->known.slots[i].value;

		if (b->known.slots[i].id == 0 || !k->acked)
			continue;
		for (rcpt = 0; rcpt < BOOK_RCPTS; rcpt++) {
			if (k->delivered[rcpt])
				continue;
			b->n_missing++;
			if (tell && b->n_missing < 20)
				printf("lost: %llu recipient %zu\n",
				       (unsigned long long)b->known.slots[i].id,
				       rcpt);
		}
	}
}

/* reading */

static void
read_line(struct book *b, const char *line, bool is_dead)
{
	unsigned long long number, job = 0;
	struct book_known *k;
	size_t rcpt;

	if (sscanf(line + 1, "%llu %zu %llx", &number, &rcpt, &job) < 2 ||
	    number == 0 || rcpt >= BOOK_RCPTS)
		return;
	if (line[0] == 'H') { /* as far as an earlier ledger came */
		b->last_number = number;
		return;
	}
	k = book_known(b, number);
	if (line[0] == 'K' && !is_dead)
		k->acked = true;
	if (line[0] != 'D')
		return;
	k->delivered[rcpt] = true;
	if (!is_dead)
		k->job = job;
}

void
book_open(struct book *b, const char *path)
{
	struct book_known *k;
	bool is_dead = false;
	char line[96];
	uint64_t i;
	FILE *f;

	b->ledger = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
	f = fopen(path, "r");
	if (b->ledger < 0 || !f)
		err(111, "%s", path);
	while (fgets(line, sizeof line, f)) {
		if (line[0] == 'X' || line[0] == 'S')
			is_dead = line[0] == 'X';
		else
			read_line(b, line, is_dead);
	}
	fclose(f);
	for (i = 1; i <= b->last_number; i++) {
		k = idmap_get(&b->known, i);
		if (k && !k->acked)
			buf_put(&b->pending, &i, sizeof i);
	}
	book_note(b, 'S', 0, 0, 0);
}

/* texts */

uint64_t
book_mix(uint64_t number)
{
	number *= 0x9e3779b97f4a7c15u;
	return number ^ number >> 29;
}

size_t
book_text_size(uint64_t number)
{
	uint64_t h = book_mix(number);

	return number % 23 == 3 ? BIG + h % 5000 : 100 + h % 4000;
}

void
book_text(char text[BOOK_TEXT_MAX], uint64_t number)
{
	size_t i, n = book_text_size(number);
	char head[BOOK_HEAD + 1];

	for (i = 0; i < n; i++)
		text[i] = i % 64 == 63
			      ? '\n'
			      : (char)('a' + (number + i * 7 + i / 64) % 26);
	snprintf(head, sizeof head, "Message-ID: <%016llx@x>\n\n",
		 (unsigned long long)number);
	memcpy(text, head, BOOK_HEAD);
}

uint64_t
book_number(struct slice head)
{
	uint64_t number;

	return head.len >= BOOK_HEAD &&
		       slice_hex(slice_of(head.at + 13, 16), &number) == 0
		   ? number
		   : 0;
}
