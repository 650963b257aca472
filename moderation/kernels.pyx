# cython: language_level=3, boundscheck=False, wraparound=False, initializedcheck=False
# distutils: extra_compile_args = -O3
"""The innermost loops, compiled where set-up found a C compiler. ``moderation.compiled`` says what each is given.

Each gives what the numpy code beside its caller gives, to the bit, in a fraction of the time: numpy pays for every
step over an array, and a comment is a hundred characters. Bounds are checked once, before a loop.
"""

from libc.stdint cimport int16_t, int32_t, int64_t, uint8_t, uint32_t, uint64_t

import numpy as np

cdef enum:
    SIZES = 4
    SPACE = 32
    MOST = 1 << 28  # Code points of a chunk whose windows can be counted in 32 bits.
    TOGETHER = 8  # Columns summed side by side.
    UNTIL_FULL = 1 << 15  # Rows whose sum always fits 32 bits.


def fold(
    const uint32_t[::1] codes,
    const int64_t[::1] starts,
    const uint32_t[::1] table,
    const uint32_t[::1] expansion_start,
    const uint32_t[::1] expansion_chars,
    const uint32_t[::1] limits,
):
    if limits.shape[0] != 6 or table.shape[0] != limits[0]:
        raise ValueError("arrays of other sizes than agreed")
    cdef uint32_t known = limits[0], expansion = limits[1], tags = limits[2], space = limits[3], seam = limits[4]
    cdef uint32_t most = limits[5], code, folded, last = 0, often = 0
    cdef Py_ssize_t n = codes.shape[0], texts = starts.shape[0], expansions = expansion_start.shape[0] - 1
    cdef Py_ssize_t i, j, room = n, low, high, kept = 0, none = 0, text = 0
    cdef bint inside = True, moved = False
    with nogil:
        for i in range(n):
            code = codes[i]
            if code < known and table[code] >= expansion:
                j = table[code] - expansion
                if j >= expansions or not expansion_start[j] <= expansion_start[j + 1] <= expansion_chars.shape[0]:
                    inside = False
                    break
                room += expansion_start[j + 1] - expansion_start[j]
                moved = True
    if not inside:
        raise IndexError("an expansion outside of its table")
    folded_array, origin_array = np.empty(room, dtype=np.uint32), np.empty(room, dtype=np.int64)
    hidden_array, bounds_array = np.empty(room, dtype=np.int64), np.empty(texts, dtype=np.int64)
    cdef uint32_t[::1] out = folded_array
    cdef int64_t[::1] origin = origin_array, hidden = hidden_array, bounds = bounds_array
    with nogil:
        for i in range(n):
            code = codes[i]
            folded = table[code] if code < known else code if code < tags else 0
            low, high = 0, 1
            if folded >= expansion:
                low, high = expansion_start[folded - expansion], expansion_start[folded - expansion + 1]
            for j in range(low, high):
                code = expansion_chars[j] if folded >= expansion else folded
                if text < texts and starts[text] == i:
                    code = seam
                    bounds[text] = kept
                    text += 1
                if code == 0:
                    hidden[none] = i
                    none += 1
                    continue
                often = often + 1 if code == last else 1
                last = code
                if often > 1 and (code == space or often > most and code != seam):
                    continue
                out[kept] = code
                origin[kept] = i
                kept += 1
    if text != texts:
        raise ValueError("texts that begin outside of the codes, or not one after the other")
    moved = moved or kept < n
    return folded_array[:kept], origin_array[:kept] if moved else None, hidden_array[:none], bounds_array


def hash_grams(
    const uint32_t[::1] codes,
    const int64_t[::1] seams,
    const uint8_t[::1] letters,
    const uint64_t[::1] factors,
    const uint64_t[::1] sizes,
    int bits,
    Py_ssize_t padding,
):
    cdef Py_ssize_t n = codes.shape[0], places = n - 1, texts = seams.shape[0], last = letters.shape[0] - 1
    if (
        not 2 <= n <= MOST or sizes.shape[0] != SIZES or factors.shape[0] != 4
        or last < 0 or padding < SIZES or not 0 < bits < 32
    ):
        raise ValueError("arrays of other sizes than agreed")
    prefix_array = np.empty(n + 1 + padding, dtype=np.uint64)
    inverse_array = np.empty(n, dtype=np.uint64)
    # At every place begin windows of all sizes; words are at most every second character, and pairs fewer.
    rows_array = np.empty(places * SIZES + n + 2, dtype=np.int32)
    single_array = np.empty(n // 2 + 1, dtype=np.uint64)
    begun_array = np.empty(n + 1, dtype=np.int32)
    word_array = np.empty((3, n // 2 + 1), dtype=np.int64)
    cdef uint64_t[::1] prefix = prefix_array, inverse = inverse_array, single = single_array
    cdef int32_t[::1] rows = rows_array
    cdef int32_t[::1] begun = begun_array
    cdef int64_t[:, ::1] word = word_array
    cdef uint64_t base = factors[0], back = factors[1], of_word = factors[2], of_pair = factors[3]
    cdef uint64_t power = 1, under = 1, total = 0, first
    cdef Py_ssize_t i, size, chars = 0, words = 0, pairs = 0, text = 0
    cdef int shift = 64 - bits
    cdef bint inside, was = False
    with nogil:
        for i in range(n):
            prefix[i] = total
            inverse[i] = under
            total += max(codes[i], <uint32_t> SPACE) * power
            power *= base
            under *= back
        for i in range(n, n + 1 + padding):
            prefix[i] = total if i == n else 0

        for i in range(places):
            begun[i] = chars
            first, under = prefix[i], inverse[i]
            # Windows of two may be anything but two spaces, longer ones have the next one's inside and one more.
            for size in range(SIZES):
                if size < 2:
                    inside = codes[i + 1] > SPACE or (size == 0 and codes[i] > SPACE)
                else:
                    inside = i + size < n and codes[i + size] > SPACE
                if inside:
                    rows[chars] = <int32_t> (((prefix[i + size + 2] - first) * (under * sizes[size])) >> shift)
                    chars += 1
                elif size > 0:
                    break

        begun[places] = begun[n] = chars
        for i in range(n):
            inside = letters[min(<Py_ssize_t> codes[i], last)] != 0
            if inside and not was:
                word[0, words] = i
            elif was and not inside:
                word[1, words] = i
                first = word[0, words]
                single[words] = (prefix[i] - prefix[first]) * inverse[first]
                rows[chars + words] = <int32_t> ((single[words] * of_word) >> shift)
                words += 1
            was = inside

        for i in range(words):
            size = text
            while text < texts and seams[text] < word[0, i]:
                text += 1
            if i and size == text:
                rows[chars + words + pairs] = <int32_t> (((single[i - 1] * of_pair + single[i]) * of_word) >> shift)
                word[2, pairs] = i - 1
                pairs += 1
    return (
        prefix_array,
        rows_array[: chars + words + pairs],
        begun_array,
        word_array[0, :words],
        word_array[1, :words],
        word_array[2, :pairs],
    )


def find_phrases(
    const uint64_t[::1] prefix,
    Py_ssize_t size,
    const int64_t[::1] seams,
    const int64_t[::1] heads,
    const int64_t[::1] lengths,
    const uint8_t[::1] head_map,
    int head_bits,
    const uint8_t[::1] whole_map,
    int whole_bits,
    const uint64_t[::1] factors,
    const uint64_t[::1] hashes,
):
    cdef Py_ssize_t kinds = heads.shape[0], i, part, length, room = 64, found = 0, low, high, middle, text, end
    cdef bint fits = kinds > 0 and lengths.shape[0] == kinds + 1 and factors.shape[0] == 2 and size >= 0
    if fits:
        for part in range(kinds):
            fits = fits and 0 <= heads[part] <= prefix.shape[0] - size
            fits = fits and 0 <= lengths[part] <= lengths[part + 1] <= prefix.shape[0] - size
    if (
        not fits
        or head_map.shape[0] << 3 != (<Py_ssize_t> 1) << head_bits
        or whole_map.shape[0] << 3 != (<Py_ssize_t> 1) << whole_bits
    ):
        raise ValueError("arrays of other sizes than agreed")
    cdef uint64_t back = factors[0], spread = factors[1], under, whole, first
    cdef int head_shift = 64 - head_bits, whole_shift = 64 - whole_bits
    cdef Py_ssize_t count = hashes.shape[0]
    cdef int64_t[:, ::1] out
    while True:
        out_array = np.empty((3, room), dtype=np.int64)
        out = out_array
        with nogil:
            found = 0
            under = 1
            text = 0
            for i in range(size):
                first = prefix[i]
                while text < seams.shape[0] and seams[text] < i:
                    text += 1
                end = min(seams[text], size) if text < seams.shape[0] else size
                for part in range(kinds):
                    if not holds(head_map, ((prefix[i + heads[part]] - first) * under * spread) >> head_shift):
                        continue
                    for length in range(lengths[part], min(lengths[part + 1], end - i + 1)):
                        whole = (prefix[i + length] - first) * under
                        if not holds(whole_map, (whole * spread) >> whole_shift):
                            continue
                        low, high = 0, count
                        while low < high:
                            middle = (low + high) >> 1
                            if hashes[middle] < whole:
                                low = middle + 1
                            else:
                                high = middle
                        if low < count and hashes[low] == whole:
                            if found < room:
                                out[0, found], out[1, found], out[2, found] = i, length, low
                            found += 1
                under *= back
        if found <= room:
            return out_array[:, :found]
        room = found


cdef inline bint holds(const uint8_t[::1] bits, uint64_t place) noexcept nogil:
    return (bits[place >> 3] >> (place & 7)) & 1


def add_rows(
    const int16_t[:, ::1] weights,
    const int32_t[::1] rows,
    const int64_t[::1] bounds,
    const int64_t[::1] targets,
    double[:, ::1] sums,
):
    cdef Py_ssize_t columns = weights.shape[1], count = weights.shape[0], runs = targets.shape[0], i, k, side, column
    cdef int64_t low, high, j, row, target
    cdef int32_t part[TOGETHER]
    cdef bint inside = True
    if sums.shape[1] != columns or columns % TOGETHER or bounds.shape[0] != runs + 1:
        raise ValueError("arrays of other sizes than agreed")
    for i in range(runs):
        if not 0 <= bounds[i] <= bounds[i + 1] <= rows.shape[0] or not 0 <= targets[i] < sums.shape[0]:
            raise IndexError("a run outside of its rows")
    with nogil:
        for i in range(runs):
            target = targets[i]
            for side in range(columns // TOGETHER):
                column = side * TOGETHER
                low = bounds[i]
                while low < bounds[i + 1]:
                    high = min(low + UNTIL_FULL, bounds[i + 1])
                    for k in range(TOGETHER):
                        part[k] = 0
                    for j in range(low, high):
                        row = rows[j]
                        if not 0 <= row < count:
                            inside = False
                            break
                        for k in range(TOGETHER):
                            part[k] += weights[row, column + k]
                    for k in range(TOGETHER):
                        sums[target, column + k] += part[k]
                    low = high
    if not inside:
        raise IndexError("a row that the weights do not have")
