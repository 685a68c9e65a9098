// What cuDNN and cuBLAS leave to us, compiled by NVRTC when a device is first used. Maps are f32,
// channels last: [batch, height, width, channels]. One thread a number that it alone writes: no
// atomics, no shared memory, so the same input gives the same bits.
//
// tests/reference/cuda_kernels.py compiles this file for the CPU and compares it with PyTorch.

typedef unsigned int u32;

#define THREAD u32 i = blockIdx.x * blockDim.x + threadIdx.x
#define KERNEL extern "C" __global__ void

// Bits of `affine`'s flags.
#define MEAN 1u
#define SCALE 2u
#define SHIFT 4u
#define RESIDUAL 8u
#define RELU 16u

// max(x, 0) that leaves NaN what it is.
__device__ static inline float relu_of(float x) { return x <= 0.0f ? 0.0f : x; }

// activation((x - mean) * scale + shift + residual), all but x as the flags say; mean, scale and
// shift are [channels]. Arguments that the flags leave out are never read.
KERNEL affine(float *out, const float *x, const float *mean, const float *scale,
              const float *shift, const float *residual, u32 flags, u32 channels, u32 count) {
  THREAD;
  if (i >= count) return;
  u32 c = i % channels;
  float value = x[i];
  if (flags & MEAN) value -= mean[c];
  if (flags & SCALE) value *= scale[c];
  if (flags & SHIFT) value += shift[c];
  if (flags & RESIDUAL) value += residual[i];
  if (flags & RELU) value = relu_of(value);
  out[i] = value;
}

// The gradient before a ReLU that gave `output`.
KERNEL relu_gradient(float *out, const float *output, const float *grad, u32 count) {
  THREAD;
  if (i >= count) return;
  out[i] = output[i] <= 0.0f ? 0.0f : grad[i];
}

// Sums over rows `piece * length ..` of x[rows, channels], one thread a piece and channel: of the
// distances from the piece's first row and of their squares, which cancel nothing.
KERNEL moments(double *means, double *squares, const float *x, u32 length, u32 rows, u32 channels,
               u32 count) {
  THREAD;
  if (i >= count) return;
  u32 c = i % channels, start = i / channels * length;
  u32 end = rows - start < length ? rows : start + length;
  float first = x[(size_t)start * channels + c];
  float sum = 0.0f, square = 0.0f;
  for (u32 row = start; row < end; row++) {
    float distance = x[(size_t)row * channels + c] - first;
    sum += distance;
    square += distance * distance;
  }
  double mean = (double)sum / (end - start);
  means[i] = (double)first + mean;
  squares[i] = (double)square - mean * sum;
}

// Mean of a channel over pieces `from` to `to`, and the sum of the squares of the distances from it
// (Chan, Golub and LeVeque 1979, eq. 2.1, of many pieces at once: f64 has room for what cancels).
// Returns how many numbers that are.
__device__ static inline double merged(double *mean, double *square, const double *means,
                                       const double *squares, u32 from, u32 to, u32 length,
                                       u32 rows, u32 channels, u32 c) {
  double first = means[(size_t)from * channels + c];
  double all = 0.0, sum = 0.0, around = 0.0;
  for (u32 piece = from; piece < to; piece++) {
    u32 left = rows - piece * length;
    double here = left < length ? left : length;
    double distance = means[(size_t)piece * channels + c] - first;
    all += here;
    sum += here * distance;
    around += squares[(size_t)piece * channels + c] + here * distance * distance;
  }
  *mean = first + sum / all;
  *square = around - sum * sum / all;
  return all;
}

// Fewer and longer pieces: `group` at a time become one.
KERNEL merge_moments(double *out_means, double *out_squares, const double *means,
                     const double *squares, u32 group, u32 pieces, u32 length, u32 rows,
                     u32 channels, u32 count) {
  THREAD;
  if (i >= count) return;
  u32 c = i % channels, from = i / channels * group;
  u32 to = pieces - from < group ? pieces : from + group;
  merged(&out_means[i], &out_squares[i], means, squares, from, to, length, rows, channels, c);
}

// Mean and variance of each channel.
KERNEL join_moments(float *mean, float *var, const double *means, const double *squares,
                    u32 pieces, u32 length, u32 rows, u32 channels) {
  THREAD;
  if (i >= channels) return;
  double middle, around;
  double all = merged(&middle, &around, means, squares, 0, pieces, length, rows, channels, i);
  mean[i] = (float)middle;
  var[i] = around > 0.0 || around != around ? (float)(around / all) : 0.0f;
}

// Sums over the rows of a piece: of the gradient, and of its product with the distance from the
// mean, if `products` says so.
KERNEL sums(double *plain, double *product, const float *grad, const float *x, const float *mean,
            u32 products, u32 length, u32 rows, u32 channels, u32 count) {
  THREAD;
  if (i >= count) return;
  u32 c = i % channels, start = i / channels * length;
  u32 end = rows - start < length ? rows : start + length;
  float centre = products ? mean[c] : 0.0f;
  float sum = 0.0f, with = 0.0f;
  for (u32 row = start; row < end; row++) {
    size_t at = (size_t)row * channels + c;
    sum += grad[at];
    if (products) with += grad[at] * (x[at] - centre);
  }
  plain[i] = sum;
  if (products) product[i] = with;
}

// Fewer and longer pieces: `group` at a time become one.
KERNEL merge_sums(double *out_plain, double *out_product, const double *plain,
                  const double *product, u32 products, u32 group, u32 pieces, u32 channels,
                  u32 count) {
  THREAD;
  if (i >= count) return;
  u32 c = i % channels, from = i / channels * group;
  u32 to = pieces - from < group ? pieces : from + group;
  double sum = 0.0, with = 0.0;
  for (u32 piece = from; piece < to; piece++) {
    sum += plain[(size_t)piece * channels + c];
    if (products) with += product[(size_t)piece * channels + c];
  }
  out_plain[i] = sum;
  if (products) out_product[i] = with;
}

// The sum of the pieces of each channel.
KERNEL join_sums(float *out, const double *plain, u32 pieces, u32 channels) {
  THREAD;
  if (i >= channels) return;
  double sum = 0.0;
  for (u32 piece = 0; piece < pieces; piece++) sum += plain[(size_t)piece * channels + i];
  out[i] = (float)sum;
}

// Batch normalisation backward, a channel at a time: gradients of gamma and beta, and the three
// numbers of `norm_gradient`, which lie one after the other in `terms` [3, channels].
KERNEL norm_terms(float *terms, float *for_gamma, float *for_beta, const double *plain,
                  const double *product, const float *gamma, const float *var, double epsilon,
                  u32 pieces, u32 rows, u32 channels) {
  THREAD;
  if (i >= channels) return;
  double sum = 0.0, with = 0.0;
  for (u32 piece = 0; piece < pieces; piece++) {
    sum += plain[(size_t)piece * channels + i];
    with += product[(size_t)piece * channels + i];
  }
  double inverse = 1.0 / sqrt((double)var[i] + epsilon);
  double scale = gamma[i] * inverse;
  terms[i] = (float)scale;
  terms[channels + i] = (float)(-scale * inverse * inverse * with / rows);
  terms[2 * channels + i] = (float)(-scale * sum / rows);
  for_gamma[i] = (float)(with * inverse);
  for_beta[i] = (float)sum;
}

// grad * scale + (x - mean) * slope + offset.
KERNEL norm_gradient(float *out, const float *grad, const float *x, const float *mean,
                     const float *terms, u32 channels, u32 count) {
  THREAD;
  if (i >= count) return;
  u32 c = i % channels;
  float distance = x[i] - mean[c];
  out[i] = grad[i] * terms[c] + distance * terms[channels + c] + terms[2 * channels + c];
}

// Normalisation by given statistics as one factor and one summand a channel.
KERNEL norm_frozen(float *scale, float *shift, const float *gamma, const float *beta,
                   const float *mean, const float *var, double epsilon, u32 channels) {
  THREAD;
  if (i >= channels) return;
  double factor = gamma[i] / sqrt((double)var[i] + epsilon);
  scale[i] = (float)factor;
  shift[i] = (float)(beta[i] - mean[i] * factor);
}

// The factor gamma / deviation of each channel.
KERNEL norm_scale(float *scale, const float *gamma, const float *var, double epsilon,
                  u32 channels) {
  THREAD;
  if (i >= channels) return;
  scale[i] = (float)(gamma[i] / sqrt((double)var[i] + epsilon));
}

// running += momentum * (batch - running); the variance as unbiased over `rows` numbers.
KERNEL norm_running(float *out_mean, float *out_var, const float *running_mean,
                    const float *running_var, const float *mean, const float *var,
                    double momentum, u32 rows, u32 channels) {
  THREAD;
  if (i >= channels) return;
  double unbiased = (double)rows / ((double)rows - 1.0);
  out_mean[i] = (float)(running_mean[i] * (1.0 - momentum) + mean[i] * momentum);
  out_var[i] = (float)(running_var[i] * (1.0 - momentum) + var[i] * unbiased * momentum);
}

// Max pooling: the largest number of each window and the pixel it came from. NaN wins; of equals
// the first; padding never. Sizes are height before width: [size, out, kernel, stride, padding].
KERNEL max_pool(float *out, u32 *winners, const float *x, u32 height, u32 width, u32 out_h,
                u32 out_w, u32 kernel_h, u32 kernel_w, u32 stride_h, u32 stride_w, u32 pad_h,
                u32 pad_w, u32 channels, u32 count) {
  THREAD;
  if (i >= count) return;
  u32 c = i % channels, ox = i / channels % out_w, oy = i / channels / out_w % out_h;
  const float *map = x + (size_t)(i / channels / out_w / out_h) * height * width * channels;
  u32 top = oy * stride_h, left = ox * stride_w;
  float best = 0.0f;
  u32 winner = 0;
  bool first = true;
  for (u32 ky = 0; ky < kernel_h; ky++) {
    u32 y = top + ky - pad_h;  // wraps where it lies above the map
    if (y >= height) continue;
    for (u32 kx = 0; kx < kernel_w; kx++) {
      u32 at = left + kx - pad_w;
      if (at >= width) continue;
      float value = map[((size_t)y * width + at) * channels + c];
      if (first || value > best || value != value) {
        best = value;
        winner = y * width + at;
        first = false;
      }
    }
  }
  out[i] = best;
  winners[i] = winner;
}

// Each pixel gathers the gradients of the windows that it won.
KERNEL max_pool_gradient(float *out, const float *grad, const u32 *winners, u32 height, u32 width,
                         u32 out_h, u32 out_w, u32 kernel_h, u32 kernel_w, u32 stride_h,
                         u32 stride_w, u32 pad_h, u32 pad_w, u32 channels, u32 count) {
  THREAD;
  if (i >= count) return;
  u32 c = i % channels, x = i / channels % width, y = i / channels / width % height;
  size_t image = (size_t)(i / channels / width / height) * out_h * out_w;
  // The windows that cover row y: those from the first that ends behind it to the last that begins
  // before it.
  u32 below = y + pad_h, right = x + pad_w;
  u32 oy = below < kernel_h ? 0 : (below - kernel_h) / stride_h + 1;
  u32 first_x = right < kernel_w ? 0 : (right - kernel_w) / stride_w + 1;
  float sum = 0.0f;
  for (; oy < out_h && oy * stride_h <= below; oy++)
    for (u32 ox = first_x; ox < out_w && ox * stride_w <= right; ox++) {
      size_t at = ((image + (size_t)oy * out_w + ox)) * channels + c;
      if (winners[at] == y * width + x) sum += grad[at];
    }
  out[i] = sum;
}

// Average pooling over windows that tables list, three numbers a window: first pixel, pixel behind
// the last, by how many to divide.
KERNEL average_pool(float *out, const float *x, const u32 *down, const u32 *across, u32 height,
                    u32 width, u32 out_h, u32 out_w, u32 channels, u32 count) {
  THREAD;
  if (i >= count) return;
  u32 c = i % channels;
  const u32 *columns = across + 3 * (i / channels % out_w);
  const u32 *rows = down + 3 * (i / channels / out_w % out_h);
  const float *map = x + (size_t)(i / channels / out_w / out_h) * height * width * channels + c;
  float sum = 0.0f;
  for (u32 y = rows[0]; y < rows[1]; y++)
    for (u32 at = columns[0]; at < columns[1]; at++)
      sum += map[((size_t)y * width + at) * channels];
  out[i] = sum * (1.0f / (float)(rows[2] * columns[2]));
}

// Each pixel gathers its share of the gradients; `down_of` and `across_of` list for every row and
// column the first window that covers it and the one behind the last.
KERNEL average_pool_gradient(float *out, const float *grad, const u32 *down, const u32 *across,
                             const u32 *down_of, const u32 *across_of, u32 height, u32 width,
                             u32 out_h, u32 out_w, u32 channels, u32 count) {
  THREAD;
  if (i >= count) return;
  u32 c = i % channels, x = i / channels % width, y = i / channels / width % height;
  const float *map = grad + (size_t)(i / channels / width / height) * out_h * out_w * channels + c;
  float sum = 0.0f;
  for (u32 oy = down_of[2 * y]; oy < down_of[2 * y + 1]; oy++)
    for (u32 ox = across_of[2 * x]; ox < across_of[2 * x + 1]; ox++) {
      float share = 1.0f / (float)(down[3 * oy + 2] * across[3 * ox + 2]);
      sum += map[((size_t)oy * out_w + ox) * channels] * share;
    }
  out[i] = sum;
}

// What each place of the kernel sees, a row of [kernel_h, kernel_w, channels]; `inputs` channels lie
// in a pixel, of which `channels` from `first` on are seen.
KERNEL unfold(float *out, const float *x, u32 height, u32 width, u32 out_h, u32 out_w,
              u32 kernel_h, u32 kernel_w, u32 stride_h, u32 stride_w, u32 pad_h, u32 pad_w,
              u32 dilation_h, u32 dilation_w, u32 inputs, u32 first, u32 channels, u32 count) {
  THREAD;
  if (i >= count) return;
  u32 c = i % channels, kx = i / channels % kernel_w, ky = i / channels / kernel_w % kernel_h;
  u32 place = i / channels / kernel_w / kernel_h;
  u32 ox = place % out_w, oy = place / out_w % out_h;
  size_t image = place / out_w / out_h;
  u32 y = oy * stride_h + ky * dilation_h - pad_h;  // wraps where it lies outside
  u32 at = ox * stride_w + kx * dilation_w - pad_w;
  bool inside = y < height && at < width;
  out[i] = inside ? x[((image * height + y) * width + at) * inputs + first + c] : 0.0f;
}

// The way back of `unfold` for gradients: every pixel gathers what saw it. Writes `channels` of the
// `inputs` channels of a pixel, from `first` on.
KERNEL fold(float *out, const float *columns, u32 height, u32 width, u32 out_h, u32 out_w,
            u32 kernel_h, u32 kernel_w, u32 stride_h, u32 stride_w, u32 pad_h, u32 pad_w,
            u32 dilation_h, u32 dilation_w, u32 inputs, u32 first, u32 channels, u32 count) {
  THREAD;
  if (i >= count) return;
  u32 c = i % channels, x = i / channels % width, y = i / channels / width % height;
  size_t image = i / channels / width / height;
  float sum = 0.0f;
  for (u32 ky = 0; ky < kernel_h; ky++) {
    u32 below = y + pad_h - ky * dilation_h;  // wraps where the kernel's row begins below it
    if (below % stride_h != 0 || below / stride_h >= out_h) continue;
    for (u32 kx = 0; kx < kernel_w; kx++) {
      u32 right = x + pad_w - kx * dilation_w;
      if (right % stride_w != 0 || right / stride_w >= out_w) continue;
      size_t place = (image * out_h + below / stride_h) * out_w + right / stride_w;
      sum += columns[((place * kernel_h + ky) * kernel_w + kx) * channels + c];
    }
  }
  out[((image * height + y) * width + x) * inputs + first + c] = sum;
}

__device__ static inline u32 rotated(u32 word, u32 by) { return word << by | word >> (32 - by); }

__device__ static inline void quarter(u32 *a, u32 *b, u32 *c, u32 *d) {
  *a += *b, *d = rotated(*d ^ *a, 16);
  *c += *d, *b = rotated(*b ^ *c, 12);
  *a += *b, *d = rotated(*d ^ *a, 8);
  *c += *d, *b = rotated(*b ^ *c, 7);
}

// Dropout by the stream of ChaCha8 (Bernstein 2008) that the CPU draws from: word w of piece p, of
// `piece` words, is word w % 16 of block w / 16 of stream p. A thread does the 16 numbers of a block;
// `piece` is a multiple of 16. Drops where the word is below `threshold`, scales elsewhere.
KERNEL dropout(float *out, const float *x, u32 key0, u32 key1, u32 key2, u32 key3, u32 key4,
               u32 key5, u32 key6, u32 key7, u32 threshold, float scale, u32 piece, u32 count) {
  THREAD;
  u32 start = i * 16;
  if (start >= count) return;
  u32 first[16] = {0x61707865, 0x3320646e, 0x79622d32, 0x6b206574, key0, key1, key2, key3,
                   key4, key5, key6, key7, start % piece / 16, 0, start / piece, 0};
  u32 word[16];
  for (u32 w = 0; w < 16; w++) word[w] = first[w];
  for (u32 round = 0; round < 8; round += 2) {
    quarter(&word[0], &word[4], &word[8], &word[12]);
    quarter(&word[1], &word[5], &word[9], &word[13]);
    quarter(&word[2], &word[6], &word[10], &word[14]);
    quarter(&word[3], &word[7], &word[11], &word[15]);
    quarter(&word[0], &word[5], &word[10], &word[15]);
    quarter(&word[1], &word[6], &word[11], &word[12]);
    quarter(&word[2], &word[7], &word[8], &word[13]);
    quarter(&word[3], &word[4], &word[9], &word[14]);
  }
  for (u32 w = 0; w < 16; w++) {
    u32 at = start + w;
    if (at < count) out[at] = word[w] + first[w] < threshold ? 0.0f : x[at] * scale;
  }
}

// SGD as PyTorch's, in place.
KERNEL sgd(float *weight, const float *grad, float *velocity, float momentum, float decay,
           float lr, u32 nesterov, u32 count) {
  THREAD;
  if (i >= count) return;
  float g = grad[i] + decay * weight[i];
  float v = momentum * velocity[i] + g;
  velocity[i] = v;
  weight[i] -= lr * (nesterov ? g + momentum * v : v);
}

// Adam and AdamW as PyTorch's, in place; the scalars are worked out by the caller.
KERNEL adam(float *weight, const float *grad, float *mean, float *square, float keep, float decay,
            float rest1, float beta2, float rest2, float step_size, float root, float eps,
            u32 count) {
  THREAD;
  if (i >= count) return;
  float w = weight[i] * keep;
  float g = grad[i] + decay * w;
  float m = mean[i] + (g - mean[i]) * rest1;
  float s = beta2 * square[i] + rest2 * g * g;
  mean[i] = m;
  square[i] = s;
  weight[i] = w - step_size * m / (sqrtf(s) / root + eps);
}
