/* errors.c - strerror(3) for the static leaf: what files and sockets may say
 *
 * For the rest there is the number.
 */
#include "lib/slice.h"

#include <errno.h>

/* Not by pointers: each of them costs 24 bytes more where the program may lie
 * anywhere. */
static const struct {
	unsigned char number;
	char text[34];
} errors[] = {
    {EPERM, "Operation not permitted"},
    {ENOENT, "No such file or directory"},
    {EIO, "Input/output error"},
    {EACCES, "Permission denied"},
    {EEXIST, "File exists"},
    {ENOTDIR, "Not a directory"},
    {EINVAL, "Invalid argument"},
    {EMFILE, "Too many open files"},
    {EFBIG, "File too large"},
    {ENOSPC, "No space left on device"},
    {EROFS, "Read-only file system"},
    {EPIPE, "Broken pipe"},
    {ELOOP, "Too many levels of symbolic links"},
    {EDQUOT, "Disk quota exceeded"},
    {EPROTO, "Protocol error"},
    {EADDRNOTAVAIL, "Cannot assign requested address"},
    {EAFNOSUPPORT, "Address family not supported"},
    {ENETUNREACH, "Network is unreachable"},
    {ECONNRESET, "Connection reset by peer"},
    {ETIMEDOUT, "Connection timed out"},
    {ECONNREFUSED, "Connection refused"},
    {EHOSTUNREACH, "No route to host"},
    {EAGAIN, "Resource temporarily unavailable"},
};

char *
strerror(int e)
{
	static char other[] = "error 000";
	size_t i;

	for (i = 0; i < sizeof errors / sizeof *errors; i++)
		if (errors[i].number == e)
			return (char *)(uintptr_t)errors[i].text;
	for (i = sizeof other - 2; i > 5; i--, e /= 10)
		other[i] = (char)('0' + e % 10);
	return other;
}
