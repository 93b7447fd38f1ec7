#include "tests/simfs.h"

#include "lib/fs.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum {
	FILES_MAX = 512,
	NAMES_MAX = 1024,
	FDS_MAX = 1024,
	FD_BASE = 10000,
	SECTOR = 512,
	NAME_MAX_LEN = 32
};

enum op_kind { OP_WRITE, OP_SIZE, OP_SYNC, OP_NAME, OP_UNNAME, OP_MOVE };

/* One call that changed something; files are numbers. */
struct op {
	enum op_kind kind;
	int file;   /* written, synced; the directory for names */
	int target; /* the file a name stands for */
	uint64_t offset, size;
	size_t synced_by; /* the sync's place in the trace; 0: none */
	bool is_clean;	  /* a sync of it has failed: no other will do it */
	char *bytes;
	char name[NAME_MAX_LEN], to[NAME_MAX_LEN];
};

struct file {
	bool used, is_dir;
	char *bytes;
	uint64_t size, cap;
	uint64_t bad_from, bad_to; /* these bytes cannot be read */
	int locks;
};

struct name {
	bool used;
	int dir, file;
	char name[NAME_MAX_LEN];
};

struct simfs {
	struct file files[FILES_MAX];
	int n_files;
	struct name names[NAMES_MAX];
	int n_names; /* slots that were ever used */
	int n_open;  /* of the descriptors */
	struct op *ops;
	size_t n_ops, max_ops;
	struct {
		bool used, has_lock;
		int file;
	} fds[FDS_MAX];
	uint64_t calls, fail_at;
	int fail_error;
	bool failed, lies, is_bare;
	bool is_limited; /* files may grow by so much in all: ... */
	uint64_t room;
	size_t failed_at;
	long age_s;
};

static struct simfs *sim;

#if defined(__SANITIZE_ADDRESS__)
/* Hundreds of thousands of disks come and go: what is freed need not be kept
 * for long. */
const char *
__asan_default_options(void);

const char *
__asan_default_options(void)
{
	return "quarantine_size_mb=2";
}
#endif

_Noreturn static void
full(const char *what)
{
	fprintf(stderr, "simfs: too many %s\n", what);
	abort();
}

/* files and names as the program sees them */

static int
new_file(struct simfs *fs, bool is_dir)
{
	if (fs->n_files == FILES_MAX)
		full("files");
	fs->files[fs->n_files] = (struct file){.used = true, .is_dir = is_dir};
	return fs->n_files++;
}

static void
put_bytes(struct file *f, uint64_t offset, const char *bytes, uint64_t n,
	  int filler)
{
	if (offset + n > f->cap) {
		f->cap = (offset + n) * 2 + SECTOR;
		f->bytes = realloc(f->bytes, f->cap);
		if (!f->bytes)
			full("bytes");
	}
	if (offset > f->size)
		memset(f->bytes + f->size, filler, offset - f->size);
	memcpy(f->bytes + offset, bytes, n);
	if (offset + n > f->size)
		f->size = offset + n;
}

static void
set_size(struct file *f, uint64_t size)
{
	char zero = 0;

	if (size > f->size)
		put_bytes(f, size - 1, &zero, 1, 0);
	f->size = size;
}

/* Of a longer one, its beginning. */
static void
put_name(char place[NAME_MAX_LEN], const char *name)
{
	size_t n = strnlen(name, NAME_MAX_LEN - 1);

	memcpy(place, name, n);
	place[n] = 0;
}

static struct name *
find_name(struct simfs *fs, int dir, const char *name)
{
	int i;

	for (i = 0; i < fs->n_names; i++)
		if (fs->names[i].used && fs->names[i].dir == dir &&
		    fs->names[i].name[0] == name[0] &&
		    strcmp(fs->names[i].name, name) == 0)
			return &fs->names[i];
	return NULL;
}

static void
set_name(struct simfs *fs, int dir, const char *name, int file)
{
	struct name *n = find_name(fs, dir, name);
	int i;

	for (i = 0; !n && i < NAMES_MAX; i++)
		if (!fs->names[i].used)
			n = &fs->names[i];
	if (!n)
		full("names");
	if (n - fs->names >= fs->n_names)
		fs->n_names = (int)(n - fs->names) + 1;
	*n = (struct name){.used = true, .dir = dir, .file = file};
	put_name(n->name, name);
}

/* A bare disk remembers the last call only. */
static void
record(struct simfs *fs, struct op op)
{
	if (fs->is_bare)
		fs->n_ops = 0;
	if (fs->n_ops == fs->max_ops) {
		fs->max_ops = fs->max_ops ? fs->max_ops * 2 : 256;
		fs->ops = realloc(fs->ops, fs->max_ops * sizeof op);
		if (!fs->ops)
			full("ops");
	}
	fs->ops[fs->n_ops++] = op;
}

static void
record_sync(struct simfs *fs, int file)
{
	size_t i;

	for (i = 0; i < fs->n_ops; i++)
		if (fs->ops[i].file == file && fs->ops[i].synced_by == 0 &&
		    !fs->ops[i].is_clean)
			fs->ops[i].synced_by = fs->n_ops;
	record(fs, (struct op){.kind = OP_SYNC, .file = file});
}

/* The kernel reports a failed write-back once and takes the pages for clean.
 * Of directories it would stop the whole journal. */
static void
sync_failed(struct simfs *fs, int file)
{
	size_t i;

	for (i = 0; i < fs->n_ops; i++)
		if (fs->ops[i].file == file && fs->ops[i].synced_by == 0 &&
		    !fs->files[file].is_dir)
			fs->ops[i].is_clean = true;
}

struct simfs *
simfs_new(void)
{
	struct simfs *fs = calloc(1, sizeof *fs);

	if (!fs)
		full("file systems");
	new_file(fs, true);
	return fs;
}

void
simfs_free(struct simfs *fs)
{
	size_t i;

	for (i = 0; i < (size_t)fs->n_files; i++)
		free(fs->files[i].bytes);
	for (i = 0; i < fs->n_ops; i++)
		free(fs->ops[i].bytes);
	free(fs->ops);
	free(fs);
}

bool
simfs_is_closed(const struct simfs *fs)
{
	return fs->n_open == 0;
}

size_t
simfs_length(const struct simfs *fs)
{
	return fs->n_ops;
}

/* failing */

/* 0: go on; -1: fail with errno; 1: a short write. */
static int
counted(bool is_write)
{
	if (++sim->calls != sim->fail_at)
		return 0;
	sim->failed = true;
	sim->failed_at = sim->n_ops;
	if (sim->fail_error == 0)
		return is_write ? 1 : 0;
	if (sim->fail_error < 0) {
		sim->fail_error = -sim->fail_error;
		sim->fail_at++;
		return is_write ? 1 : 0;
	}
	errno = sim->fail_error;
	return -1;
}

void
simfs_fail(struct simfs *fs, uint64_t n, int error)
{
	fs->fail_at = fs->calls + n;
	fs->fail_error = error;
	fs->failed = false;
}

bool
simfs_failed(const struct simfs *fs)
{
	return fs->failed;
}

size_t
simfs_failed_at(const struct simfs *fs)
{
	return fs->failed_at;
}

uint64_t
simfs_calls(const struct simfs *fs)
{
	return fs->calls;
}

void
simfs_age(struct simfs *fs, long seconds)
{
	fs->age_s = seconds;
}

void
simfs_sync_lies(struct simfs *fs)
{
	fs->lies = true;
}

/* the calls */

static uint64_t
coin(uint64_t *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 7;
	*state ^= *state << 17;
	return *state;
}

static int
file_of(int fd)
{
	if (fd == AT_FDCWD)
		return 0;
	if (fd < FD_BASE || fd >= FD_BASE + FDS_MAX ||
	    !sim->fds[fd - FD_BASE].used)
		full("wrong descriptors");
	return sim->fds[fd - FD_BASE].file;
}

static int
new_fd(int file)
{
	int i;

	for (i = 0; i < FDS_MAX; i++) {
		if (sim->fds[i].used)
			continue;
		sim->fds[i].used = true;
		sim->n_open++;
		sim->fds[i].has_lock = false;
		sim->fds[i].file = file;
		return FD_BASE + i;
	}
	errno = EMFILE;
	return -1;
}

static int
sim_open(int dir, const char *name, int flags, mode_t mode)
{
	int d = file_of(dir), file;
	struct name *n;

	(void)mode;
	if (counted(false))
		return -1;
	if (strcmp(name, ".") == 0)
		return new_fd(d);
	n = find_name(sim, d, name);
	if (n && (flags & O_CREAT) && (flags & O_EXCL)) {
		errno = EEXIST;
		return -1;
	}
	if (!n && !(flags & O_CREAT)) {
		errno = ENOENT;
		return -1;
	}
	if (n)
		return new_fd(n->file);
	if (sim->is_limited && sim->room == 0) {
		errno = ENOSPC;
		return -1;
	}
	file = new_file(sim, false);
	set_name(sim, d, name, file);
	record(sim, (struct op){.kind = OP_NAME, .file = d, .target = file});
	put_name(sim->ops[sim->n_ops - 1].name, name);
	return new_fd(file);
}

static int
sim_close(int fd)
{
	int file = file_of(fd);

	if (sim->fds[fd - FD_BASE].has_lock)
		sim->files[file].locks = 0;
	sim->fds[fd - FD_BASE].used = false;
	sim->n_open--;
	return 0;
}

/* All of a write, or none: enough for our tests. */
static bool
take_room(const struct file *f, uint64_t end)
{
	uint64_t more = end > f->size ? end - f->size : 0;

	if (!sim->is_limited)
		return true;
	if (more > sim->room) {
		errno = ENOSPC;
		return false;
	}
	sim->room -= more;
	return true;
}

/* A sector that is written over can be read again. */
static void
mend(struct file *f, uint64_t where, size_t n)
{
	if (where <= f->bad_from && where + n >= f->bad_to)
		f->bad_from = f->bad_to = 0;
}

/* For the trace; a bare disk has none. */
static char *
copy_of(const void *at, size_t n)
{
	char *copy = sim->is_bare ? NULL : malloc(n + 1);

	if (copy)
		memcpy(copy, at, n);
	return copy;
}

static ssize_t
sim_pwrite(int fd, const void *at, size_t n, off_t where)
{
	int file = file_of(fd), r = counted(true);
	char *copy;

	if (r < 0)
		return -1;
	if (r > 0 && n > 1)
		n /= 2;
	if (!take_room(&sim->files[file], (uint64_t)where + n))
		return -1;
	copy = copy_of(at, n);
	put_bytes(&sim->files[file], (uint64_t)where, at, n, 0);
	mend(&sim->files[file], (uint64_t)where, n);
	record(sim, (struct op){.kind = OP_WRITE,
				.file = file,
				.offset = (uint64_t)where,
				.size = n,
				.bytes = copy});
	return (ssize_t)n;
}

static ssize_t
sim_pread(int fd, void *at, size_t n, off_t where)
{
	struct file *f = &sim->files[file_of(fd)];

	if (counted(false))
		return -1;
	if ((uint64_t)where >= f->size)
		return 0;
	if (n > f->size - (uint64_t)where)
		n = (size_t)(f->size - (uint64_t)where);
	if ((uint64_t)where < f->bad_to && (uint64_t)where + n > f->bad_from) {
		if ((uint64_t)where >= f->bad_from) {
			errno = EIO;
			return -1;
		}
		n = (size_t)(f->bad_from - (uint64_t)where);
	}
	memcpy(at, f->bytes + where, n);
	return (ssize_t)n;
}

static int
sim_sync(int fd)
{
	int file = file_of(fd), e;

	if (counted(false)) {
		e = errno;
		sync_failed(sim, file);
		errno = e;
		return -1;
	}
	if (!sim->lies)
		record_sync(sim, file);
	return 0;
}

/* From memory back to what the disk has: of what a failed sync left, a part,
 * and from now on that part for good. */
static void
sim_uncache(int fd, uint64_t from, uint64_t length)
{
	int file = file_of(fd);
	struct file *f = &sim->files[file];
	uint64_t random = sim->calls * 0x9e3779b97f4a7c15u + 1;
	bool any = false;
	size_t i;

	(void)from; /* all of it may go */
	(void)length;
	for (i = 0; i < sim->n_ops; i++) {
		struct op *op = &sim->ops[i];

		if (op->file != file || !op->is_clean)
			continue;
		any = true;
		op->is_clean = false;
		op->synced_by = sim->n_ops;
		if (coin(&random) & 1)
			op->kind = OP_SYNC; /* as if it had never been */
	}
	if (!any)
		return;
	record_sync(sim, file);
	f->size = 0;
	for (i = 0; i < sim->n_ops; i++) {
		const struct op *op = &sim->ops[i];

		if (op->file != file)
			continue;
		if (op->kind == OP_WRITE)
			put_bytes(f, op->offset, op->bytes, op->size, 0);
		else if (op->kind == OP_SIZE)
			set_size(f, op->size);
	}
}

static int
sim_rename(int from_dir, const char *from, int to_dir, const char *to)
{
	int d = file_of(from_dir);
	struct name *n;
	int file;

	if (d != file_of(to_dir))
		full("directories in a rename");
	if (counted(false))
		return -1;
	n = find_name(sim, d, from);
	if (!n) {
		errno = ENOENT;
		return -1;
	}
	file = n->file;
	n->used = false;
	set_name(sim, d, to, file);
	record(sim, (struct op){.kind = OP_MOVE, .file = d, .target = file});
	put_name(sim->ops[sim->n_ops - 1].name, from);
	put_name(sim->ops[sim->n_ops - 1].to, to);
	return 0;
}

static int
sim_unlink(int dir, const char *name)
{
	int d = file_of(dir);
	struct name *n;

	if (counted(false))
		return -1;
	n = find_name(sim, d, name);
	if (!n) {
		errno = ENOENT;
		return -1;
	}
	n->used = false;
	record(sim, (struct op){.kind = OP_UNNAME, .file = d});
	put_name(sim->ops[sim->n_ops - 1].name, name);
	return 0;
}

static int
sim_mkdir(int dir, const char *name, mode_t mode)
{
	int d = file_of(dir), file;

	(void)mode;
	if (counted(false))
		return -1;
	if (find_name(sim, d, name)) {
		errno = EEXIST;
		return -1;
	}
	file = new_file(sim, true);
	set_name(sim, d, name, file);
	record(sim, (struct op){.kind = OP_NAME, .file = d, .target = file});
	put_name(sim->ops[sim->n_ops - 1].name, name);
	return 0;
}

static int
sim_truncate(int fd, off_t size)
{
	int file = file_of(fd);

	if (counted(false))
		return -1;
	set_size(&sim->files[file], (uint64_t)size);
	record(sim, (struct op){
			.kind = OP_SIZE, .file = file, .size = (uint64_t)size});
	return 0;
}

/* A directory always has its name here. */
static nlink_t
n_links(int file)
{
	nlink_t n = 0;
	int i;

	for (i = 0; i < sim->n_names; i++)
		n += sim->names[i].used && sim->names[i].file == file;
	return n;
}

static int
sim_stat(int fd, struct stat *st)
{
	*st = (struct stat){0};
	st->st_nlink = n_links(file_of(fd));
	st->st_size = (off_t)sim->files[file_of(fd)].size;
	st->st_mtime = time(NULL) - sim->age_s;
	st->st_ino = (ino_t)file_of(fd) + 1;
	return 0;
}

static int
sim_list(int dir, struct buf *names)
{
	int i, d = file_of(dir);

	if (counted(false))
		return -1;
	for (i = 0; i < sim->n_names; i++)
		if (sim->names[i].used && sim->names[i].dir == d)
			buf_put(names, sim->names[i].name,
				strlen(sim->names[i].name) + 1);
	return 0;
}

static int
sim_lock(int fd)
{
	struct file *f = &sim->files[file_of(fd)];

	if (f->locks) {
		errno = EWOULDBLOCK;
		return -1;
	}
	f->locks = 1;
	sim->fds[fd - FD_BASE].has_lock = true;
	return 0;
}

static int
sim_room(int dir, uint64_t *bytes, uint64_t *files)
{
	(void)dir;
	*bytes = sim->is_limited ? sim->room : UINT64_MAX;
	*files = UINT64_MAX;
	return 0;
}

static int
sim_link(int from_dir, const char *from, int to_dir, const char *to)
{
	int d = file_of(to_dir);
	struct name *n = find_name(sim, file_of(from_dir), from);

	if (counted(false))
		return -1;
	if (!n || find_name(sim, d, to)) {
		errno = n ? EEXIST : ENOENT;
		return -1;
	}
	set_name(sim, d, to, n->file);
	record(sim, (struct op){.kind = OP_NAME, .file = d, .target = n->file});
	snprintf(sim->ops[sim->n_ops - 1].name, NAME_MAX_LEN, "%s", to);
	return 0;
}

static const struct fs_calls sim_calls = {
    .open = sim_open,
    .close = sim_close,
    .pwrite = sim_pwrite,
    .pread = sim_pread,
    .datasync = sim_sync,
    .sync = sim_sync,
    .syncfs = sim_sync,
    .uncache = sim_uncache,
    .rename = sim_rename,
    .link = sim_link,
    .unlink = sim_unlink,
    .mkdir = sim_mkdir,
    .truncate = sim_truncate,
    .stat = sim_stat,
    .list = sim_list,
    .lock = sim_lock,
    .room = sim_room,
};

void
simfs_use(struct simfs *fs)
{
	sim = fs;
	fs_use(fs ? &sim_calls : &fs_kernel);
}

struct simfs *
simfs_bare(struct simfs *fs)
{
	int i;

	if (!fs)
		fs = simfs_new();
	for (i = 0; i < fs->n_files; i++)
		free(fs->files[i].bytes);
	for (i = 0; i < fs->n_names; i++)
		fs->names[i].used = false;
	fs->n_files = fs->n_names = 0;
	fs->is_bare = true;
	new_file(fs, true);
	simfs_use(fs);
	return fs;
}

/* rot */

struct simfs *
simfs_copy(const struct simfs *fs)
{
	struct simfs *copy = simfs_new();
	int i;

	for (i = 1; i < fs->n_files; i++) {
		const struct file *f = &fs->files[i];

		new_file(copy, f->is_dir);
		if (f->size)
			put_bytes(&copy->files[i], 0, f->bytes, f->size, 0);
	}
	memcpy(copy->names, fs->names,
	       (size_t)fs->n_names * sizeof fs->names[0]);
	copy->n_names = fs->n_names;
	return copy;
}

int
simfs_file(const struct simfs *fs, const char *dir, const char *name)
{
	int i, k;

	for (i = 0; i < fs->n_names; i++) {
		const struct name *d = &fs->names[i];

		if (!d->used || strcmp(d->name, dir) != 0)
			continue;
		for (k = 0; k < fs->n_names; k++)
			if (fs->names[k].used && fs->names[k].dir == d->file &&
			    strcmp(fs->names[k].name, name) == 0)
				return fs->names[k].file;
	}
	return -1;
}

struct slice
simfs_bytes(const struct simfs *fs, int file)
{
	return slice_of(fs->files[file].bytes, (size_t)fs->files[file].size);
}

void
simfs_flip(struct simfs *fs, int file, uint64_t bit)
{
	fs->files[file].bytes[bit / 8] ^= (char)(1 << bit % 8);
}

void
simfs_unreadable(struct simfs *fs, int file, uint64_t from, uint64_t to)
{
	fs->files[file].bad_from = from;
	fs->files[file].bad_to = to;
}

void
simfs_full(struct simfs *fs, uint64_t room)
{
	fs->is_limited = true;
	fs->room = room;
}

/* crashes */

/* Is op i, before prefix, covered by a later sync before prefix? */
static bool
is_synced(const struct simfs *fs, size_t i, size_t prefix)
{
	return fs->ops[i].synced_by != 0 && fs->ops[i].synced_by < prefix;
}

size_t
simfs_pieces(const struct simfs *fs, size_t prefix)
{
	size_t i, n = 0;

	for (i = 0; i < prefix; i++)
		n += fs->ops[i].kind != OP_SYNC && !is_synced(fs, i, prefix);
	return n;
}

static size_t
sectors(const struct op *op)
{
	if (op->kind != OP_WRITE || op->size == 0)
		return 0;
	return (size_t)((op->offset + op->size - 1) / SECTOR -
			op->offset / SECTOR + 1);
}

size_t
simfs_last_sectors(const struct simfs *fs, size_t prefix)
{
	return prefix ? sectors(&fs->ops[prefix - 1]) : 0;
}

struct crash {
	struct simfs *disk;
	enum simfs_keep keep;
	uint64_t n, random;
	bool garbage;
	size_t piece; /* number of the unsynced piece */
};

/* Write one op's sectors, those that survive. */
static void
keep_sectors(struct crash *c, const struct op *op, bool is_last, bool synced)
{
	uint64_t at = op->offset, end = op->offset + op->size;
	size_t i = 0;

	while (at < end) {
		uint64_t next = (at / SECTOR + 1) * SECTOR;
		bool kept = true;

		if (next > end)
			next = end;
		if (!synced && c->keep == SIMFS_RANDOM)
			kept = coin(&c->random) & 1;
		if (!synced && is_last && c->keep == SIMFS_TEAR)
			kept = i < c->n;
		if (!synced && is_last && c->keep == SIMFS_TEAR_HEAD)
			kept = i >= c->n;
		if (kept)
			put_bytes(&c->disk->files[op->file], at,
				  op->bytes + (at - op->offset), next - at,
				  synced || !c->garbage ? 0 : 0xa5);
		at = next;
		i++;
	}
}

static void
apply_name(struct crash *c, const struct op *op)
{
	struct name *n = find_name(c->disk, op->file, op->name);

	if (op->kind == OP_NAME) {
		set_name(c->disk, op->file, op->name, op->target);
		return;
	}
	if (op->kind == OP_UNNAME) {
		if (n)
			n->used = false;
		return;
	}
	if (n && n->file == op->target)
		n->used = false;
	set_name(c->disk, op->file, op->to, op->target);
}

static bool
survives(struct crash *c, const struct op *op, bool synced)
{
	size_t piece;

	if (synced)
		return true;
	piece = c->piece++;
	switch (c->keep) {
	case SIMFS_NONE: return false;
	case SIMFS_ONLY: return piece == c->n;
	case SIMFS_WITHOUT: return piece != c->n;
	case SIMFS_RANDOM:
		return op->kind == OP_WRITE || (coin(&c->random) & 1);
	case SIMFS_ALL:
	case SIMFS_TEAR:
	case SIMFS_TEAR_HEAD: break;
	}
	return true;
}

struct simfs *
simfs_crash(const struct simfs *fs, size_t prefix, enum simfs_keep keep,
	    uint64_t n, bool garbage)
{
	struct crash c = {.disk = simfs_new(),
			  .keep = keep,
			  .n = n,
			  .random = n * 0x9e3779b97f4a7c15u + prefix + 1,
			  .garbage = garbage};
	size_t i;

	for (i = 1; i < (size_t)fs->n_files; i++)
		new_file(c.disk, fs->files[i].is_dir);
	for (i = 0; i < prefix; i++) {
		const struct op *op = &fs->ops[i];
		bool synced;

		if (op->kind == OP_SYNC)
			continue;
		synced = is_synced(fs, i, prefix);
		if (!survives(&c, op, synced))
			continue;
		if (op->kind == OP_WRITE)
			keep_sectors(&c, op, i + 1 == prefix, synced);
		else if (op->kind == OP_SIZE)
			set_size(&c.disk->files[op->file], op->size);
		else
			apply_name(&c, op);
	}
	return c.disk;
}

struct simfs *
simfs_killed(const struct simfs *fs, size_t prefix)
{
	struct simfs *disk = simfs_crash(fs, prefix, SIMFS_ALL, 0, false);
	size_t i;

	for (i = 0; i < prefix; i++) {
		struct op op = fs->ops[i];

		if (op.bytes) {
			op.bytes = malloc(op.size + 1);
			if (!op.bytes)
				full("bytes");
			memcpy(op.bytes, fs->ops[i].bytes, op.size);
		}
		if (op.synced_by >= prefix)
			op.synced_by = 0;
		record(disk, op);
	}
	return disk;
}

void
simfs_settle(struct simfs *fs)
{
	size_t i;

	for (i = 0; i < fs->n_ops; i++)
		free(fs->ops[i].bytes);
	fs->n_ops = 0;
	for (i = 0; i < (size_t)fs->n_names; i++) {
		const struct name *n = &fs->names[i];

		if (!n->used)
			continue;
		record(fs, (struct op){.kind = OP_NAME,
				       .file = n->dir,
				       .target = n->file});
		memcpy(fs->ops[fs->n_ops - 1].name, n->name, NAME_MAX_LEN);
	}
	for (i = 1; i < (size_t)fs->n_files; i++) {
		const struct file *f = &fs->files[i];
		char *copy = malloc(f->size + 1);

		if (!copy)
			full("bytes");
		if (f->size)
			memcpy(copy, f->bytes, f->size);
		record(fs, (struct op){.kind = OP_WRITE,
				       .file = (int)i,
				       .size = f->size,
				       .bytes = copy});
	}
	for (i = 0; i < (size_t)fs->n_files; i++)
		record_sync(fs, (int)i);
}

size_t
simfs_moves(const struct simfs *fs)
{
	size_t i, n = 0;

	for (i = 0; i < fs->n_ops; i++)
		n += fs->ops[i].kind == OP_MOVE;
	return n;
}
