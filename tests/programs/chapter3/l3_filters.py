# L3-2 to L3-5: mean, median, Gaussian and Sobel on one photograph
%matplotlib inline
import numpy as np
from scipy import signal
from scipy.misc import imread, imsave

img = imread('photo.png', flatten=True)
row, col = img.shape
gauss = np.random.RandomState(0).normal(0, 10, (row, col)).reshape(row, col)
noisy = img + gauss
mean_kernel = np.ones((3, 3)) / 9.0
gray_mean = signal.convolve2d(noisy, mean_kernel, mode='same')
print 'mean filter', np.abs(gray_mean - img)[1:-1, 1:-1].mean() < np.abs(noisy - img)[1:-1, 1:-1].mean()

salt = np.random.RandomState(1).randint(0, 21, (row, col))
peppered = np.where(salt == 0, 0, np.where(salt == 20, 255, img))
window = 3
after = peppered.copy()
for i in range(row):
    for j in range(col):
        part = peppered[max(0, i - window / 2):i + window / 2 + 1, max(0, j - window / 2):j + window / 2 + 1]
        after[i, j] = np.median(part)
print 'median filter', np.abs(after - img).mean() < np.abs(peppered - img).mean()

Hg = np.zeros((21, 21))
for i in range(21):
    for j in range(21):
        Hg[i, j] = np.exp(-((i - 21 / 2) ** 2 + (j - 21 / 2) ** 2) / 10.0)
Hg = Hg / Hg.sum()
gray_blur = signal.convolve2d(img, Hg, mode='same')
gray_high = img - gray_blur
gray_enhanced = img + 0.785 * gray_high
print 'sum of the Gaussian', round(Hg.sum(), 6)

Hx = np.array([[1, 0, -1], [2, 0, -2], [1, 0, -1]], dtype=np.float32)
Hy = np.array([[-1, -2, -1], [0, 0, 0], [1, 2, 1]], dtype=np.float32)
Gx = signal.convolve2d(img, Hx, mode='same')
Gy = signal.convolve2d(img, Hy, mode='same')
G = (Gx * Gx + Gy * Gy) ** 0.5
imsave('sobel.png', G)
print 'largest gradient %.1f' % G.max()
