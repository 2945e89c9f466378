// Runs CUDA C on the CPU: each thread of a block a fiber that gives way at __syncthreads, blocks one after the other.
// It finds wrong indices (with AddressSanitizer) and barriers that not all threads reach; it finds no data races.
#pragma once
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <ucontext.h>
#include <utility>
#include <vector>

#define __global__
#define __device__
#define __launch_bounds__(...)
#define __shared__ static

namespace shim {

constexpr size_t STACK = 64 << 10;

union Half {
    _Float16 value;
    unsigned short bits;
};
inline unsigned short half_bits(float x) { return Half{_Float16(x)}.bits; }
inline float half_value(unsigned short bits) {
    Half both;
    both.bits = bits;
    return float(both.value);
}

struct Index { unsigned x; };
struct Fiber {
    ucontext_t context;
    std::unique_ptr<char[]> stack;
    bool waiting, done;
};

inline Index thread, block, block_size, grid_size;
inline ucontext_t scheduler;
inline Fiber* current = nullptr;

inline void barrier() {
    if (!current) {
        fprintf(stderr, "a barrier in a kernel that was said to have none\n");
        abort();
    }
    Fiber* self = current;
    const Index me = thread;
    self->waiting = true;
    swapcontext(&self->context, &scheduler);
    thread = me;
}

struct Call {
    virtual void operator()() = 0;
};
inline Call* body;

inline void enter() {
    (*body)();
    current->done = true;
    swapcontext(&current->context, &scheduler);
}

inline void run_block(std::vector<Fiber>& fibers) {
    for (auto& fiber : fibers) {
        fiber.waiting = fiber.done = false;
        getcontext(&fiber.context);
        fiber.context.uc_stack.ss_sp = fiber.stack.get();
        fiber.context.uc_stack.ss_size = STACK;
        fiber.context.uc_link = nullptr;
        makecontext(&fiber.context, enter, 0);
    }
    for (size_t left = fibers.size(); left;) {
        for (size_t i = 0; i < fibers.size(); ++i) {
            if (fibers[i].done) continue;
            current = &fibers[i];
            thread.x = unsigned(i);
            fibers[i].waiting = false;
            swapcontext(&scheduler, &fibers[i].context);
        }
        left = 0;
        size_t waiting = 0;
        for (auto& fiber : fibers) left += !fiber.done, waiting += fiber.waiting && !fiber.done;
        if (left && left != fibers.size()) {
            fprintf(stderr, "%zu of %zu threads reached a barrier\n", waiting, fibers.size());
            abort();
        }
    }
    current = nullptr;
}

inline void run(unsigned grid, unsigned threads, bool fibers, Call& call) {
    grid_size.x = grid;
    block_size.x = threads;
    body = &call;
    std::vector<Fiber> all(fibers ? threads : 0);
    for (auto& fiber : all) fiber.stack.reset(new char[STACK]);
    for (block.x = 0; block.x < grid; ++block.x) {
        if (fibers) run_block(all);
        else
            for (thread.x = 0; thread.x < threads; ++thread.x) call();
    }
}

template <class... P, size_t... I>
void launch(void (*kernel)(P...), unsigned grid, unsigned threads, bool fibers, void** args,
            std::index_sequence<I...>) {
    struct Bound : Call {
        void (*kernel)(P...);
        void** args;
        void operator()() override { kernel(static_cast<P>(args[I])...); }
    } bound;
    bound.kernel = kernel;
    bound.args = args;
    run(grid, threads, fibers, bound);
}

template <class... P> void launch(void (*kernel)(P...), unsigned grid, unsigned threads, bool fibers, void** args) {
    launch(kernel, grid, threads, fibers, args, std::index_sequence_for<P...>());
}

}  // namespace shim

#define threadIdx (::shim::thread)
#define blockIdx (::shim::block)
#define blockDim (::shim::block_size)
#define gridDim (::shim::grid_size)
#define __syncthreads() ::shim::barrier()
#define __threadfence() ((void)0)
inline unsigned atomicAdd(unsigned* at, unsigned more) { return std::exchange(*at, *at + more); }
#define SHIM_ENTRY(name, fibers) \
    extern "C" void run_##name(unsigned grid, unsigned threads, void** args) { \
        ::shim::launch(name, grid, threads, fibers, args); \
    }
