#include "maildir/delivery.h"

#include "lib/address.h"
#include "lib/fs.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <unistd.h>

enum { TMP_TRIES = 100 };

int
delivery_create(const struct delivery *d, const struct mailbox *m,
		char name[DELIVERY_TMP_SIZE])
{
	static uint64_t count;
	int fd = -1, tries;

	errno = EEXIST;
	for (tries = 0; fd < 0 && errno == EEXIST && tries < TMP_TRIES;
	     tries++) {
		snprintf(name, DELIVERY_TMP_SIZE,
			 "Q%016" PRIx64 "P%ldN%" PRIu64, d->id, (long)getpid(),
			 count++);
		fd = fs_open(m->tmp_dir, name, O_RDWR | O_CREAT | O_EXCL, 0600);
	}
	return fd;
}

void
delivery_head(struct buf *out, const struct delivery *d, size_t rcpt)
{
	buf_text(out, "Return-Path: <");
	address_put_quoted(out, d->sender);
	buf_text(out, ">\nDelivered-To: ");
	buf_puts(out, d->rcpts[rcpt]);
	buf_putc(out, '\n');
}

static int
open_stream(struct delivery *d)
{
	struct mailbox m;
	struct buf head = {0};
	int e;

	if (mailbox_open(&m, d->path) != 0)
		return -1;
	d->fd = delivery_create(d, &m, d->tmp);
	e = errno;
	mailbox_close(&m);
	errno = e;
	if (d->fd < 0)
		return -1;
	d->is_streamed = true;
	delivery_head(&head, d, 0);
	d->head_len = d->len = head.len;
	e = fs_write_all(d->fd, buf_slice(&head).at, head.len, 0) == 0 ? 0
								       : errno;
	buf_free(&head);
	errno = e;
	return e == 0 ? 0 : -1;
}

int
delivery_stream(struct delivery *d, struct slice piece)
{
	if (!d->is_streamed && open_stream(d) != 0)
		return -1;
	loops_find(&d->loops, piece, d->rcpts, d->n_rcpts);
	if (fs_write_all(d->fd, piece.at, piece.len, (off_t)d->len) != 0)
		return -1;
	d->len += piece.len;
	return 0;
}

void
delivery_close(struct delivery *d)
{
	if (d->is_streamed)
		fs_close(d->fd);
	d->is_streamed = false;
	loops_free(&d->loops);
}

void
delivery_abort(struct delivery *d)
{
	struct mailbox m;

	if (d->is_streamed && mailbox_open(&m, d->path) == 0) {
		fs_unlink(m.tmp_dir, d->tmp);
		mailbox_close(&m);
	}
	delivery_close(d);
}
