/* SPDX-License-Identifier: PostgreSQL
 *
 * For test/bench/capture_pages: which pages of a piece of shared memory this session writes. It may only read them from
 * watch_pages() on; the first write to each is noted, and let through. written_pages() returns them, and ends that.
 */
#include "postgres.h"

#include <signal.h>
#include <sys/mman.h>
#include <unistd.h>

#include "catalog/pg_type.h"
#include "fmgr.h"
#include "storage/shmem.h"
#include "utils/array.h"
#include "utils/builtins.h"

PG_MODULE_MAGIC;

#define MOST 4096

static char *first;
static size_t page, pages;
static volatile int noted;
static volatile int64 numbers[MOST];

static void on_write(int signal, siginfo_t *info, void *context)
{
    char *at = info->si_addr;

    if (first == NULL || at < first || at >= first + pages * page || noted == MOST)
    {
        struct sigaction usual = {.sa_handler = SIG_DFL};

        sigaction(SIGSEGV, &usual, NULL);
        return;
    }
    numbers[noted++] = (at - first) / page;
    mprotect(first + (at - first) / page * page, page, PROT_READ | PROT_WRITE);
}

/* The whole pages of the piece that pg_shmem_allocations has under this name and size. */
PG_FUNCTION_INFO_V1(watch_pages);
Datum watch_pages(PG_FUNCTION_ARGS)
{
    struct sigaction action = {.sa_sigaction = on_write, .sa_flags = SA_SIGINFO};
    size_t size = PG_GETARG_INT64(1);
    bool found;
    char *piece = ShmemInitStruct(text_to_cstring(PG_GETARG_TEXT_PP(0)), size, &found);

    if (!found)
        elog(ERROR, "there is no such piece of shared memory");
    page = sysconf(_SC_PAGESIZE);
    first = (char *) TYPEALIGN(page, piece);
    pages = (piece + size - first) / page;
    noted = 0;
    sigaction(SIGSEGV, &action, NULL);
    if (mprotect(first, pages * page, PROT_READ) != 0)
        elog(ERROR, "mprotect: %m");
    PG_RETURN_INT64(pages);
}

PG_FUNCTION_INFO_V1(written_pages);
Datum written_pages(PG_FUNCTION_ARGS)
{
    Datum found[MOST];

    mprotect(first, pages * page, PROT_READ | PROT_WRITE);
    for (int i = 0; i < noted; i++)
        found[i] = Int64GetDatum(numbers[i]);
    PG_RETURN_ARRAYTYPE_P(construct_array(found, noted, INT8OID, sizeof(int64), true, TYPALIGN_DOUBLE));
}
