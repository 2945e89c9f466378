import numpy as np
import scipy
import scipy.signal

# a 7x7 image and a kernel
image = np.array([[7 * i + j + 1 for j in xrange(7)] for i in xrange(7)])
kernel = np.array([[-1, 1, -1], [-2, 3, 1], [2, -4, 0]])
half = kernel.shape[0] / 2
out = scipy.signal.convolve2d(image, kernel, mode='same', boundary='fill', fillvalue=0)
print 'border of', half
print out
