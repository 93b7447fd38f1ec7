#include "maildir/batch.h"

#include "lib/address.h"
#include "lib/die.h"
#include "lib/fs.h"
#include "maildir/trouble.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>

enum { COPY_MAX = 262144 };

struct batch *
batch_new(void)
{
	struct batch *b = calloc(1, sizeof *b);

	if (!b)
		die_nomem();
	return b;
}

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
	trouble_verdict(&f->verdict, e, buf_slice(&f->box->path));
}

/* step 1: write */

/* The streamed text once more, for another recipient. */
static int
copy_stream(struct file *f, const struct delivery *d, struct buf *image)
{
	uint64_t from = d->head_len;
	size_t n;

	while (from < d->len) {
		n = d->len - from < COPY_MAX ? (size_t)(d->len - from)
					     : COPY_MAX;
		buf_clear(image);
		if (fs_read_all(d->fd, buf_room(image, n), n, (off_t)from) !=
			0 ||
		    fs_write_all(f->fd, image->mem, n, (off_t)f->len) != 0)
			return -1;
		f->len += n;
		from += n;
	}
	return 0;
}

static int
write_file(struct file *f, const struct delivery *d, struct buf *image)
{
	f->fd = delivery_create(d, &f->box->mailbox, f->tmp);
	if (f->fd < 0)
		return -1;
	buf_clear(image);
	delivery_head(image, d, f->rcpt);
	if (!d->is_streamed)
		buf_puts(image, d->text);
	f->len = image->len;
	if (fs_write_all(f->fd, buf_slice(image).at, image->len, 0) != 0)
		return -1;
	return d->is_streamed ? copy_stream(f, d, image) : 0;
}

static void
take_stream(struct file *f, const struct delivery *d)
{
	f->fd = d->fd;
	f->len = d->len;
	memcpy(f->tmp, d->tmp, sizeof f->tmp);
}

/* The streamed one stays open, since it is still copied from. */
static void
close_file(struct file *f)
{
	if (f->fd >= 0 && !is_stream(f))
		fs_close(f->fd);
	f->fd = -1;
}

/* Close and remove the file in tmp. */
static void
drop_tmp(struct file *f)
{
	bool is_there = f->fd >= 0 && f->box->is_open;

	close_file(f);
	if (is_there)
		fs_unlink(f->box->mailbox.tmp_dir, f->tmp);
}

static void
open_box(struct box *b)
{
	struct stat st;

	if (mailbox_open(&b->mailbox, buf_slice(&b->path)) != 0) {
		b->error = errno;
		return;
	}
	b->is_open = true;
	b->syncs_alone = fs_stat(b->mailbox.new_dir, &st) != 0 ||
			 !syncs_can(b->mailbox.new_dir);
	b->dev = b->syncs_alone ? 0 : st.st_dev;
}

static struct box *
box_at(struct batch *batch, struct slice path)
{
	struct box *b;
	size_t i;

	for (i = 0; i < batch->n_boxes; i++)
		if (slice_eq(buf_slice(&batch->boxes[i].path), path))
			return &batch->boxes[i];
	b = &batch->boxes[batch->n_boxes++];
	buf_puts(&b->path, path);
	open_box(b);
	return b;
}

void
batch_add(struct batch *b, struct delivery *d, struct slice me,
	  struct buf *image)
{
	struct file *f = &b->files[b->n_files++];
	size_t rcpt = d->n_begun++;

	*f = (struct file){.d = d, .rcpt = rcpt, .fd = -1};
	verdict_say(&f->verdict, 'K', "delivered (#2.1.5)");
	f->box = box_at(b, d->path);
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
	else if (f->fd < 0 && write_file(f, d, image) != 0)
		fail(f, errno);
	name_put(f->name, d->birth_us, d->id, d->rcpts[rcpt], me);
	if (!is_good(f))
		drop_tmp(f);
}

/* step 2: the files' syncs */

size_t
batch_files(const struct batch *b, struct syncs_item *items)
{
	const struct file *f;
	size_t n = 0;

	for (f = b->files; f < b->files + b->n_files; f++)
		if (is_good(f))
			items[n++] = (struct syncs_item){
			    .fd = f->fd,
			    .older = f->box->mailbox.new_dir,
			    .dev = f->box->dev,
			    .is_alone = f->box->syncs_alone || is_stream(f),
			};
	return n;
}

void
batch_took_files(struct batch *b, const struct syncs_item *items)
{
	struct file *f;
	int error;

	for (f = b->files; f < b->files + b->n_files; f++) {
		if (!is_good(f))
			continue;
		error = items++->error;
		if (is_stream(f))
			f->d->error = error;
		else if (error == 0) /* what it was copied from */
			error = f->d->error;
		if (error == 0)
			continue;
		fail(f, error);
		drop_tmp(f);
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

/* In one step where that can be done, which is the cheaper way. */
static int
give_name(struct file *f)
{
	const struct mailbox *m = &f->box->mailbox;
	int r = fs_move(m->tmp_dir, f->tmp, m->new_dir, f->name);

	if (r == 0)
		close_file(f);
	if (r == 0 || (errno != EINVAL && errno != ENOSYS))
		return r;
	r = fs_link(m->tmp_dir, f->tmp, m->new_dir, f->name);
	if (r != 0 && (errno == EPERM || errno == EOPNOTSUPP))
		r = fs_rename(m->tmp_dir, f->tmp, m->new_dir, f->name);
	return r;
}

static void
link_file(struct file *f)
{
	int r = give_name(f);

	if (r != 0 && errno == EEXIST) {
		f->is_found = is_delivered(f);
		r = f->is_found ? 0 : (errno = EEXIST, -1);
	}
	if (r != 0)
		fail(f, errno);
	else
		f->box->is_changed = true;
	drop_tmp(f);
}

void
batch_link(struct batch *b)
{
	struct file *f;

	for (f = b->files; f < b->files + b->n_files; f++)
		if (is_good(f))
			link_file(f);
}

/* step 4: the names' syncs */

size_t
batch_names(const struct batch *b, struct syncs_item *items)
{
	const struct box *box;
	size_t n = 0;

	for (box = b->boxes; box < b->boxes + b->n_boxes; box++)
		if (box->is_changed)
			items[n++] = (struct syncs_item){
			    .fd = box->mailbox.new_dir,
			    .older = box->mailbox.new_dir,
			    .dev = box->dev,
			    .is_dir = true,
			    .is_alone = box->syncs_alone,
			};
	return n;
}

void
batch_took_names(struct batch *b, const struct syncs_item *items)
{
	struct box *box;
	struct file *f;

	for (box = b->boxes; box < b->boxes + b->n_boxes; box++)
		if (box->is_changed)
			box->error = items++->error;
	for (f = b->files; f < b->files + b->n_files; f++) {
		if (!is_good(f) || f->box->error == 0)
			continue;
		if (!f->is_found)
			fs_unlink(f->box->mailbox.new_dir, f->name);
		fail(f, f->box->error);
	}
}

/* step 5: tell */

void
batch_tell(struct batch *b)
{
	struct box *box;
	struct file *f;

	for (f = b->files; f < b->files + b->n_files; f++) {
		if (++f->d->n_told == f->d->n_rcpts)
			delivery_close(f->d);
		f->d->done(f->d, f->rcpt, &f->verdict);
	}
	for (box = b->boxes; box < b->boxes + b->n_boxes; box++) {
		if (box->is_open)
			mailbox_close(&box->mailbox);
		buf_free(&box->path);
	}
	free(b);
}
