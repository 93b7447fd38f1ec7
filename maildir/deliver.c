#include "maildir/deliver.h"

#include "lib/fs.h"
#include "maildir/mailbox.h"
#include "maildir/name.h"
#include "maildir/syncs.h"
#include "maildir/trouble.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <unistd.h>

enum { COPY_MAX = 262144, TMP_TRIES = 100 };

struct box {
	struct slice path;
	struct mailbox mailbox;
	bool is_open;
	bool is_changed; /* new has got a name */
	int error;	 /* of opening it, later of syncing new */
};

struct file {
	struct delivery *d;
	size_t rcpt;
	struct box *box;
	int fd; /* in tmp; -1: there is none, or none any more */
	char tmp[DELIVER_TMP_SIZE];
	char name[NAME_SIZE];
	uint64_t len;
	struct verdict verdict;
};

static struct batch {
	struct slice me;
	size_t n_files, n_boxes;
	struct file files[DELIVER_FILES_MAX];
	struct box boxes[DELIVER_FILES_MAX];
	struct buf image; /* a small file as a whole, or a part of a copy */
} batch;

static bool
is_good(const struct file *f)
{
	return f->verdict.code == 'K';
}

/* Is it the file that the text was streamed to? */
static bool
is_stream(const struct file *f)
{
	return f->d->is_streamed && f->rcpt == 0;
}

static void
fail(struct file *f, int e)
{
	trouble_verdict(&f->verdict, e);
}

/* A file in tmp under a name of its own; -1 with errno. The names say
 * nothing but whose file it is, for who finds one after a crash. */
static int
create_tmp(const struct mailbox *m, uint64_t id, char name[DELIVER_TMP_SIZE])
{
	static uint64_t count;
	int fd = -1, tries;

	errno = EEXIST;
	for (tries = 0; fd < 0 && errno == EEXIST && tries < TMP_TRIES;
	     tries++) {
		snprintf(name, DELIVER_TMP_SIZE, "Q%016" PRIx64 "P%ldN%" PRIu64,
			 id, (long)getpid(), count++);
		fd = fs_open(m->tmp_dir, name, O_RDWR | O_CREAT | O_EXCL, 0600);
	}
	return fd;
}

static void
put_head(struct buf *out, const struct delivery *d, size_t rcpt)
{
	buf_text(out, "Return-Path: <");
	address_put_quoted(out, d->sender);
	buf_text(out, ">\nDelivered-To: ");
	buf_puts(out, d->rcpts[rcpt]);
	buf_putc(out, '\n');
}

/* step 1: write */

static int
open_stream(struct delivery *d)
{
	struct mailbox m;
	struct buf head = {0};
	int e;

	if (mailbox_open(&m, d->path) != 0)
		return -1;
	d->fd = create_tmp(&m, d->id, d->tmp);
	e = errno;
	mailbox_close(&m);
	errno = e;
	if (d->fd < 0)
		return -1;
	d->is_streamed = true;
	put_head(&head, d, 0);
	d->head_len = d->len = head.len;
	e = fs_write_all(d->fd, buf_slice(&head).at, head.len, 0) == 0 ? 0
								       : errno;
	buf_free(&head);
	errno = e;
	return e == 0 ? 0 : -1;
}

int
deliver_stream(struct delivery *d, struct slice piece)
{
	if (!d->is_streamed && open_stream(d) != 0)
		return -1;
	loops_find(&d->loops, piece, d->rcpts, d->n_rcpts);
	if (fs_write_all(d->fd, piece.at, piece.len, (off_t)d->len) != 0)
		return -1;
	d->len += piece.len;
	return 0;
}

/* The streamed text once more, for another recipient. */
static int
copy_stream(struct file *f, const struct delivery *d)
{
	uint64_t from = d->head_len;
	size_t n;

	while (from < d->len) {
		n = d->len - from < COPY_MAX ? (size_t)(d->len - from)
					     : COPY_MAX;
		buf_clear(&batch.image);
		if (fs_read_all(d->fd, buf_room(&batch.image, n), n,
				(off_t)from) != 0 ||
		    fs_write_all(f->fd, batch.image.mem, n, (off_t)f->len) != 0)
			return -1;
		f->len += n;
		from += n;
	}
	return 0;
}

static int
write_file(struct file *f, const struct delivery *d)
{
	f->fd = create_tmp(&f->box->mailbox, d->id, f->tmp);
	if (f->fd < 0)
		return -1;
	buf_clear(&batch.image);
	put_head(&batch.image, d, f->rcpt);
	if (!d->is_streamed)
		buf_puts(&batch.image, d->text);
	f->len = batch.image.len;
	if (fs_write_all(f->fd, buf_slice(&batch.image).at, batch.image.len,
			 0) != 0)
		return -1;
	return d->is_streamed ? copy_stream(f, d) : 0;
}

static void
take_stream(struct file *f, const struct delivery *d)
{
	f->fd = d->fd;
	f->len = d->len;
	memcpy(f->tmp, d->tmp, sizeof f->tmp);
}

/* Close and remove the file in tmp. The streamed one stays open, since it
 * is still copied from. */
static void
drop_tmp(struct file *f)
{
	if (f->fd < 0)
		return;
	if (!is_stream(f))
		fs_close(f->fd);
	f->fd = -1;
	if (f->box->is_open)
		fs_unlink(f->box->mailbox.tmp_dir, f->tmp);
}

static struct box *
box_at(struct slice path)
{
	struct box *b;
	size_t i;

	for (i = 0; i < batch.n_boxes; i++)
		if (slice_eq(batch.boxes[i].path, path))
			return &batch.boxes[i];
	b = &batch.boxes[batch.n_boxes++];
	*b = (struct box){.path = path};
	b->is_open = mailbox_open(&b->mailbox, path) == 0;
	b->error = b->is_open ? 0 : errno;
	return b;
}

static void
add_file(struct delivery *d, size_t rcpt)
{
	struct file *f = &batch.files[batch.n_files++];

	*f = (struct file){.d = d, .rcpt = rcpt, .fd = -1};
	verdict_say(&f->verdict, 'K', "delivered (#2.1.5)");
	f->box = box_at(d->path);
	if (is_stream(f))
		take_stream(f, d);
	if (!f->box->is_open)
		fail(f, f->box->error);
	else if (d->error) /* what we would copy from cannot be trusted */
		fail(f, d->error);
	else if (!address_sane(d->rcpts[rcpt]))
		verdict_say(&f->verdict, 'D', "no address (#5.1.3)");
	else if (loops_has(&d->loops, rcpt))
		verdict_say(&f->verdict, 'D',
			    "this mailbox had the message already: it loops "
			    "(#5.4.6)");
	else if (f->fd < 0 && write_file(f, d) != 0)
		fail(f, errno);
	name_put(f->name, d->birth_us, d->id, d->rcpts[rcpt], batch.me);
	if (!is_good(f))
		drop_tmp(f);
}

/* step 2: sync */

static void
sync_files(void)
{
	static struct syncs_file syncs[DELIVER_FILES_MAX];
	struct file *files[DELIVER_FILES_MAX], *f;
	size_t i, n = 0;

	for (f = batch.files; f < batch.files + batch.n_files; f++) {
		if (!is_good(f))
			continue;
		files[n] = f;
		syncs[n++] =
		    (struct syncs_file){.fd = f->fd, .is_old = is_stream(f)};
	}
	syncs_all(syncs, n);
	for (i = 0; i < n; i++) {
		if (syncs[i].error == 0)
			continue;
		if (is_stream(files[i]))
			files[i]->d->error = syncs[i].error;
		fail(files[i], syncs[i].error);
		drop_tmp(files[i]);
	}
}

/* step 3: link */

/* The name is there: is it ours, from before a crash? A link or another
 * file that somebody planted is not. */
static bool
is_delivered(const struct file *f)
{
	struct stat st;
	int fd =
	    fs_open(f->box->mailbox.new_dir, f->name, O_RDONLY | O_NONBLOCK, 0);
	bool same;

	if (fd < 0)
		return false;
	same = fs_stat(fd, &st) == 0 && S_ISREG(st.st_mode) &&
	       (uint64_t)st.st_size == f->len;
	fs_close(fd);
	return same;
}

static void
link_file(struct file *f)
{
	const struct mailbox *m = &f->box->mailbox;
	int r = fs_link(m->tmp_dir, f->tmp, m->new_dir, f->name);

	if (r != 0 && errno == EEXIST)
		r = is_delivered(f) ? 0 : (errno = EEXIST, -1);
	else if (r != 0 && (errno == EPERM || errno == EOPNOTSUPP))
		r = fs_rename(m->tmp_dir, f->tmp, m->new_dir, f->name);
	if (r != 0)
		fail(f, errno);
	else
		f->box->is_changed = true;
	drop_tmp(f);
}

/* step 4: sync the directories */

static void
sync_boxes(void)
{
	struct box *b;
	struct file *f;

	for (b = batch.boxes; b < batch.boxes + batch.n_boxes; b++)
		if (b->is_changed && fs_sync(b->mailbox.new_dir) != 0)
			b->error = errno;
	for (f = batch.files; f < batch.files + batch.n_files; f++) {
		if (!is_good(f) || f->box->error == 0)
			continue;
		fs_unlink(f->box->mailbox.new_dir, f->name);
		fail(f, f->box->error);
	}
}

/* step 5: tell */

static void
tell(void)
{
	size_t i;

	for (i = 0; i < batch.n_boxes; i++)
		if (batch.boxes[i].is_open)
			mailbox_close(&batch.boxes[i].mailbox);
	batch.n_boxes = 0;
	for (i = 0; i < batch.n_files; i++) {
		struct file *f = &batch.files[i];

		if (f->rcpt + 1 == f->d->n_rcpts) {
			if (f->d->is_streamed)
				fs_close(f->d->fd);
			f->d->is_streamed = false;
			loops_free(&f->d->loops);
		}
		f->d->done(f->d, f->rcpt, &f->verdict);
	}
	batch.n_files = 0;
	buf_free(&batch.image);
}

static void
commit(void)
{
	size_t i;

	sync_files();
	for (i = 0; i < batch.n_files; i++)
		if (is_good(&batch.files[i]))
			link_file(&batch.files[i]);
	sync_boxes();
	tell();
}

void
deliver_batch(struct delivery *first, struct slice me)
{
	struct delivery *d, *next;
	size_t i, n;

	batch.me = me;
	for (d = first; d; d = next) {
		next = d->next;
		n = d->n_rcpts;
		if (!d->is_streamed)
			loops_find(&d->loops, d->text, d->rcpts, n);
		for (i = 0; i < n; i++) {
			add_file(d, i); /* the last one may be *d's end */
			if (batch.n_files == DELIVER_FILES_MAX)
				commit();
		}
	}
	if (batch.n_files > 0)
		commit();
}

void
deliver_abort(struct delivery *d)
{
	struct mailbox m;

	if (d->is_streamed) {
		fs_close(d->fd);
		if (mailbox_open(&m, d->path) == 0) {
			fs_unlink(m.tmp_dir, d->tmp);
			mailbox_close(&m);
		}
	}
	d->is_streamed = false;
	loops_free(&d->loops);
}
