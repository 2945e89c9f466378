"""The start of every CUDA C module: NumPy's semantics where C's differ, block reductions.

The text compiles with NVRTC, which has no standard headers, and as C++ for the CPU. Contraction to fused multiply-adds
is off in both (`OPTIONS`), so random values are bit-identical on every backend.
"""

from __future__ import annotations

OPTIONS = ("--std=c++17", "--fmad=false")

PRELUDE = r"""
typedef unsigned int u32;
typedef unsigned long long u64;

namespace mg {

__device__ inline float float_of(u32 bits) { union { u32 u; float f; } both; both.u = bits; return both.f; }
__device__ inline double double_of(u64 bits) { union { u64 u; double f; } both; both.u = bits; return both.f; }

#ifdef __CUDACC__
__device__ inline unsigned short half_bits(float x) {
    unsigned short bits;
    asm("cvt.rn.f16.f32 %0, %1;" : "=h"(bits) : "f"(x));
    return bits;
}
__device__ inline float half_value(unsigned short bits) {
    float x;
    asm("cvt.f32.f16 %0, %1;" : "=f"(x) : "h"(bits));
    return x;
}
#else
inline unsigned short half_bits(float x) { return shim::half_bits(x); }
inline float half_value(unsigned short bits) { return shim::half_value(bits); }
#endif

// float16: stored so, computed with as float. (The header cuda_fp16.h is not where NVRTC finds it by itself.)
struct half {
    unsigned short bits;
    half() = default;
    __device__ half(float x) : bits(half_bits(x)) {}
    __device__ operator float() const { return half_value(bits); }
};

// The upper half of a float32, rounded to even: a bfloat16.
__device__ inline unsigned short bfloat_bits(float x) {
    union { u32 u; float f; } both;
    both.f = x;
    if (x != x) return (unsigned short)(both.u >> 16 | 0x40);
    return (unsigned short)((both.u + 0x7FFF + (both.u >> 16 & 1)) >> 16);
}

__device__ inline float bfloat_value(unsigned short bits) { return float_of(u32(bits) << 16); }

template <class T, int N> struct alignas(sizeof(T) * N > 16 ? 16 : sizeof(T) * N) Pack { T v[N]; };


// NaN is handed on, as by NumPy's maximum and minimum.
// Of zeros the second, of float16 zeros the first, as NumPy has it.
template <class T> __device__ T maximum(T a, T b) { return a > b || a != a ? a : b; }
template <class T> __device__ T minimum(T a, T b) { return a < b || a != a ? a : b; }
template <> __device__ inline half maximum(half a, half b) { return a >= b || a != a ? a : b; }
template <> __device__ inline half minimum(half a, half b) { return a <= b || a != a ? a : b; }
template <class T> __device__ T sign(T x) { return x != x ? x : T((x > T(0)) - (x < T(0))); }
template <class T> __device__ T square(T x) { return T(x * x); }
template <class T> __device__ T absolute(T x) { return x < T(0) ? T(-x) : x; }
template <> __device__ inline float absolute(float x) { return fabsf(x); }
template <> __device__ inline double absolute(double x) { return fabs(x); }
template <> __device__ inline half absolute(half x) { return fabsf(x); }

// As x86's conversions, and so NumPy: beyond the range of the signed integer used, and for NaN, its least number.
template <class I, class F> __device__ I to_signed(F x) {
    const F limit = F(1ull << (8 * sizeof(I) - 1));
    return x < limit && x > -limit ? I(x) : I(1ull << (8 * sizeof(I) - 1));
}
template <class T, class F> __device__ T to_integer(F x) {
    if (sizeof(T) < 4 || (sizeof(T) == 4 && T(-1) < T(0))) return T(to_signed<int>(x));
    if (sizeof(T) == 4 || T(-1) < T(0)) return T(to_signed<long long>(x));
    const F limit = F(1ull << 63);
    return x >= limit ? T(to_signed<long long>(x - limit)) ^ T(1ull << 63) : T(to_signed<long long>(x));
}
template <class T> __device__ T to_integer(half x) { return to_integer<T>(float(x)); }

// Quotients are rounded down and remainders have the divisor's sign; integers divided by 0 give 0.
template <class T> __device__ T mod(T a, T b) {
    if (b == T(0) || (b < T(0) && b == T(-1))) return T(0);
    T r = T(a % b);
    return r != T(0) && ((r < T(0)) != (b < T(0))) ? T(r + b) : r;
}
template <class T> __device__ T floor_divide(T a, T b) {
    if (b == T(0)) return T(0);
    if (b < T(0) && b == T(-1)) return T(T(0) - a);
    return T(a / b - (a % b != T(0) && (a % b < T(0)) != (b < T(0)) ? T(1) : T(0)));
}
__device__ inline double remainder_of(double a, double b) { return fmod(a, b); }
__device__ inline float remainder_of(float a, float b) { return fmodf(a, b); }
__device__ inline double round_down(double x) { return floor(x); }
__device__ inline float round_down(float x) { return floorf(x); }
template <class T> __device__ T real_mod(T a, T b) {
    T r = remainder_of(a, b);
    if (b == T(0)) return r;
    if (r == T(0)) return b < T(0) ? T(-0.0) : T(0);
    return (r < T(0)) != (b < T(0)) ? r + b : r;
}
template <class T> __device__ T real_floor_divide(T a, T b) {
    if (b == T(0)) return a / b;
    T r = remainder_of(a, b);
    T quotient = (a - r) / b;
    if (r != T(0) && (r < T(0)) != (b < T(0))) quotient = quotient - T(1);
    if (quotient == T(0)) return T(0) * (a / b);
    T down = round_down(quotient);
    return quotient - down > T(0.5) ? down + T(1) : down;
}
template <> __device__ inline float mod(float a, float b) { return real_mod(a, b); }
template <> __device__ inline double mod(double a, double b) { return real_mod(a, b); }
template <> __device__ inline half mod(half a, half b) { return real_mod(float(a), float(b)); }
template <> __device__ inline half floor_divide(half a, half b) { return real_floor_divide(float(a), float(b)); }
template <> __device__ inline float floor_divide(float a, float b) { return real_floor_divide(a, b); }
template <> __device__ inline double floor_divide(double a, double b) { return real_floor_divide(a, b); }
template <class T> __device__ T power(T a, T b) {
    T result = T(1);
    for (; b > T(0); b = T(b / 2), a = T(a * a))
        if (b % 2) result = T(result * a);
    return result;
}
template <> __device__ inline float power(float a, float b) { return powf(a, b); }
template <> __device__ inline half power(half a, half b) { return powf(a, b); }
template <> __device__ inline double power(double a, double b) { return pow(a, b); }

struct Add { template <class T> __device__ T operator()(T a, T b) const { return T(a + b); } };
struct Multiply { template <class T> __device__ T operator()(T a, T b) const { return T(a * b); } };
struct Maximum { template <class T> __device__ T operator()(T a, T b) const { return maximum(a, b); } };
struct Minimum { template <class T> __device__ T operator()(T a, T b) const { return minimum(a, b); } };
struct And { template <class T> __device__ T operator()(T a, T b) const { return a && b; } };
struct Or { template <class T> __device__ T operator()(T a, T b) const { return a || b; } };

// The combination of one value from each of the block's N threads, N a power of 2, in an order that never changes.
template <int N, class T, class F> __device__ T block_reduce(T value, T* part, F combine) {
    const int t = threadIdx.x;
    part[t] = value;
    __syncthreads();
    for (int half = N / 2; half > 0; half /= 2) {
        if (t < half) part[t] = combine(part[t], part[t + half]);
        __syncthreads();
    }
    const T result = part[0];
    __syncthreads();
    return result;
}

// The count, mean and sum of squared deviations of two parts together; nothing cancels.
// Source: Chan, Golub and LeVeque 1979, Updating Formulae and a Pairwise Algorithm for Computing Sample Variances.
template <class T> __device__ void join_moments(T& n, T& mean, T& square, T other, T its_mean, T its_square) {
    if (other == T(0)) return;
    const T all = n + other, step = its_mean - mean, share = other / all;
    square += its_square + step * (n * share) * step;
    mean = n == T(0) ? its_mean : mean + step * share;
    n = all;
}

// Whether this block is the last of `blocks` that come here for a group; it then sees what the others wrote before.
// The only atomic operation: it decides who combines the pieces, not their order. A count is 0 again at the end, so
// kernels that run one after the other share the counts.
__device__ u32 arrivals[1024];
__device__ inline bool comes_last(u32 group, u32 blocks) {
    __shared__ bool last;
    __threadfence();
    __syncthreads();
    if (threadIdx.x == 0) {
        last = atomicAdd(&arrivals[group], 1u) == blocks - 1;
        if (last) arrivals[group] = 0;
    }
    __syncthreads();
    if (last) __threadfence();
    return last;
}

}  // namespace mg
"""
