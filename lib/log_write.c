#include "lib/log_write.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

static int ours[2] = {-1, -1};

/* What descriptor 2 is, once it has been looked at. Not each time: a file whose
 * times somebody has asked for gets new ones at its next write, which costs a
 * block each sync of its neighbours. */
static struct stat kind;
static bool is_known;

/* The terminal that descriptor 2 was when we opened it a second time. */
static struct {
	int fd;
	dev_t device;
	ino_t name;
} terminal = {.fd = -1};

/* As many lines as go into max bytes; of a longer one, a part. */
static struct slice
some(struct slice lines, size_t max)
{
	const char *end;

	if (lines.len <= max)
		return lines;
	end = memrchr(lines.at, '\n', max);
	return slice_of(lines.at, end ? (size_t)(end - lines.at) + 1 : max);
}

/* Poll may be wrong when others write to it at the same time. */
static ssize_t
polled(struct slice lines, size_t max)
{
	struct pollfd p = {.fd = STDERR_FILENO, .events = POLLOUT};

	lines = some(lines, max);
	if (poll(&p, 1, 0) == 0) {
		errno = EAGAIN;
		return -1;
	}
	return write(STDERR_FILENO, lines.at, lines.len);
}

static bool
has_ours(void)
{
	return ours[0] >= 0 || pipe2(ours, O_CLOEXEC | O_NONBLOCK) == 0;
}

/* What found no room comes back out of ours, which is empty in between. */
static void
take_back(size_t n)
{
	char bytes[LOG_WRITE_MAX];
	int e = errno;

	while (n > 0) {
		ssize_t got = read(ours[0], bytes, n);

		if (got <= 0)
			break;
		n -= (size_t)got;
	}
	errno = e;
}

static ssize_t
to_pipe(struct slice lines)
{
	ssize_t in, out;

	lines = some(lines, LOG_WRITE_MAX);
	if (!has_ours())
		return polled(lines, LOG_WRITE_MAX);
	in = write(ours[1], lines.at, lines.len);
	if (in <= 0)
		return polled(lines, LOG_WRITE_MAX);
	out = splice(ours[0], NULL, STDERR_FILENO, NULL, (size_t)in,
		     SPLICE_F_NONBLOCK);
	if (out < in)
		take_back((size_t)(out > 0 ? in - out : in));
	if (out < 0 && errno != EAGAIN && errno != EPIPE)
		return polled(lines, LOG_WRITE_MAX);
	return out;
}

static bool
has_terminal(const struct stat *st)
{
	if (terminal.device == st->st_rdev && terminal.name == st->st_ino)
		return terminal.fd >= 0;
	if (terminal.fd >= 0)
		close(terminal.fd);
	terminal.device = st->st_rdev;
	terminal.name = st->st_ino;
	terminal.fd = open("/proc/self/fd/2",
			   O_WRONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	return terminal.fd >= 0;
}

static ssize_t
to_terminal(struct slice lines, const struct stat *st)
{
	if (!has_terminal(st)) /* one byte goes where poll sees room */
		return polled(lines, 1);
	return write(terminal.fd, lines.at, lines.len);
}

static bool
know(void)
{
	if (!is_known && fstat(STDERR_FILENO, &kind) != 0)
		return false;
	is_known = true;
	return true;
}

void
log_write_prepare(void)
{
	if (!know())
		return;
	if (S_ISFIFO(kind.st_mode))
		has_ours();
	if (S_ISCHR(kind.st_mode))
		has_terminal(&kind);
}

ssize_t
log_write(struct slice lines)
{
	if (!know())
		return -1;
	switch (kind.st_mode & S_IFMT) {
	case S_IFIFO: return to_pipe(lines);
	case S_IFSOCK:
		return send(STDERR_FILENO, lines.at, lines.len,
			    MSG_DONTWAIT | MSG_NOSIGNAL);
	case S_IFCHR: return to_terminal(lines, &kind);
	default: return write(STDERR_FILENO, lines.at, lines.len);
	}
}

void
log_write_look(void)
{
	is_known = false;
}

void
log_write_child(void)
{
	log_write_look();
	if (ours[0] < 0)
		return;
	close(ours[0]);
	close(ours[1]);
	ours[0] = ours[1] = -1;
}
