#include "lib/salvage.h"

#include "lib/fs.h"

#include <errno.h>
#include <string.h>

bool
salvage_is_damage(int error)
{
	return error == EIO || error == EBADMSG || error == EUCLEAN ||
	       error == ENODATA || error == EILSEQ;
}

/* What is left of the unit of size that where is in, n bytes at the most. */
static size_t
up_to(size_t n, off_t where, size_t size)
{
	size_t left = size - (size_t)where % size;

	return n < left ? n : left;
}

/* -1 with errno; 0: these bytes are damaged. */
static ssize_t
try_piece(int fd, void *at, size_t n, off_t where)
{
	ssize_t got = fs_read(fd, at, n, where);

	return got < 0 && salvage_is_damage(errno) ? 0 : got;
}

ssize_t
salvage_read(int fd, void *at, size_t n, off_t where, uint64_t *n_bad)
{
	bool is_much = *n_bad >= SALVAGE_MUCH;
	struct stat file;
	ssize_t got = fs_read(fd, at, n, where);
	size_t i;

	if (got >= 0 || !salvage_is_damage(errno))
		return got;
	if (fs_stat(fd, &file) != 0)
		return -1;
	if (where >= file.st_size)
		return 0;
	if ((off_t)n > file.st_size - where)
		n = (size_t)(file.st_size - where);
	for (i = is_much; i < 2; i++) {
		n = up_to(n, where,
			  is_much  ? SALVAGE_PIECE
			  : i == 0 ? SALVAGE_PAGE
				   : SALVAGE_SECTOR);
		got = try_piece(fd, at, n, where);
		if (got != 0)
			return got;
	}
	memset(at, 0, n);
	*n_bad += n;
	return (ssize_t)n;
}
