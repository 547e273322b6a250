#pragma once

/// Number of heap allocations that this thread has made since it began. Linking this target replaces malloc,
/// calloc, realloc, aligned_alloc and posix_memalign of the test program by counting ones (glibc only).
unsigned long tally_thread_allocations(void);

/// 1 when allocations are counted; 0 under a sanitizer, which has its own malloc.
int tally_counts_allocations(void);
