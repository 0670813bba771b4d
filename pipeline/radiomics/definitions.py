"""What each PyRadiomics feature is: unit, IBSI code, definition.

Definitions restate PyRadiomics' documentation. IBSI codes (Zwanenburg et al., Radiology 2020;295:328) are those of
PyRadiomics' own table (labs/pyradiomics-dcm/resources/featuresDict_IBSIv7.tsv), checked against DICOM's list of IBSI
concepts, which corrects the rows Idm, Idmn and Idn of that table; a feature that neither lists has no code. Units: `L`
is the unit of length, `I` the unit of intensity.
"""

Definition = tuple[str, str, str]  # unit, IBSI code or "", one sentence without full stop

SHAPE: dict[str, Definition] = {
    "MeshVolume": ("L³", "RNU0", "Volume inside the triangle mesh of the lesion's surface"),
    "VoxelVolume": ("L³", "YEKZ", "Number of lesion voxels times the volume of one voxel"),
    "SurfaceArea": ("L²", "C0JK", "Area of the triangle mesh of the lesion's surface"),
    "SurfaceVolumeRatio": ("1/L", "2PR5", "Surface area divided by mesh volume"),
    "Sphericity": ("", "QCFX", "Surface of a sphere of the same volume divided by the lesion's surface; 1 is a sphere"),
    "Compactness1": ("", "SKGS", "Volume divided by the square root of pi times surface area cubed"),
    "Compactness2": ("", "BQWJ", "Sphericity cubed; 1 is a sphere"),
    "SphericalDisproportion": ("", "KRCK", "Inverse of sphericity; 1 is a sphere"),
    "Maximum3DDiameter": ("L", "L0JK", "Largest distance between two vertices of the surface mesh"),
    "Maximum2DDiameterSlice": ("L", "", "Largest distance between two mesh vertices in one row-column plane"),
    "Maximum2DDiameterColumn": ("L", "", "Largest distance between two mesh vertices in one row-slice plane"),
    "Maximum2DDiameterRow": ("L", "", "Largest distance between two mesh vertices in one column-slice plane"),
    "MajorAxisLength": ("L", "TDIC", "Longest axis of the ellipsoid with the lesion's principal components"),
    "MinorAxisLength": ("L", "P9VJ", "Second axis of the ellipsoid with the lesion's principal components"),
    "LeastAxisLength": ("L", "7J51", "Shortest axis of the ellipsoid with the lesion's principal components"),
    "Elongation": ("", "Q3CK", "Square root of second over first principal component; 1 is round, 0 is a line"),
    "Flatness": ("", "N17B", "Square root of third over first principal component; 0 is flat"),
}

SHAPE_2D: dict[str, Definition] = {
    "MeshSurface": ("L²", "", "Area inside the mesh of the lesion's outline"),
    "PixelSurface": ("L²", "", "Number of lesion pixels times the area of one pixel"),
    "Perimeter": ("L", "", "Length of the mesh of the lesion's outline"),
    "PerimeterSurfaceRatio": ("1/L", "", "Perimeter divided by mesh area"),
    "Sphericity": ("", "", "Perimeter of a circle of the same area divided by the lesion's perimeter; 1 is a circle"),
    "SphericalDisproportion": ("", "", "Inverse of sphericity; 1 is a circle"),
    "MaximumDiameter": ("L", "", "Largest distance between two vertices of the outline's mesh"),
    "MajorAxisLength": ("L", "", "Longer axis of the ellipse with the lesion's principal components"),
    "MinorAxisLength": ("L", "", "Shorter axis of the ellipse with the lesion's principal components"),
    "Elongation": ("", "", "Square root of second over first principal component; 1 is round, 0 is a line"),
}

FIRSTORDER: dict[str, Definition] = {
    "Energy": ("I²", "N8CA", "Sum of squared intensities"),
    "TotalEnergy": ("I²·L³", "", "Sum of squared intensities times the volume of one voxel"),
    "Entropy": ("bit", "TLU2", "Entropy of the histogram of binned intensities"),
    "Minimum": ("I", "1GSF", "Smallest intensity"),
    "10Percentile": ("I", "QG58", "10th percentile of the intensities"),
    "90Percentile": ("I", "8DWT", "90th percentile of the intensities"),
    "Maximum": ("I", "84IY", "Largest intensity"),
    "Mean": ("I", "Q4LE", "Mean intensity"),
    "Median": ("I", "Y12H", "Median intensity"),
    "InterquartileRange": ("I", "SALO", "75th minus 25th percentile of the intensities"),
    "Range": ("I", "2OJQ", "Largest minus smallest intensity"),
    "MeanAbsoluteDeviation": ("I", "4FUA", "Mean distance of the intensities from their mean"),
    "RobustMeanAbsoluteDeviation": ("I", "1128", "Mean absolute deviation of intensities within percentiles 10 to 90"),
    "RootMeanSquared": ("I", "5ZWQ", "Square root of the mean squared intensity"),
    "StandardDeviation": ("I", "", "Standard deviation of the intensities"),
    "Skewness": ("", "KE2A", "Asymmetry of the intensities about their mean"),
    "Kurtosis": ("", "IPH6", "Peakedness of the intensities; 3 for a normal distribution (IBSI subtracts 3)"),
    "Variance": ("I²", "ECT3", "Mean squared distance of the intensities from their mean"),
    "Uniformity": ("", "BJ5W", "Sum of squared proportions of the binned intensities"),
}

GLCM: dict[str, Definition] = {
    "Autocorrelation": ("", "QWB0", "Mean product of the grey levels of neighbours"),
    "JointAverage": ("", "60VM", "Mean grey level of the co-occurrence matrix"),
    "ClusterProminence": ("", "AE86", "Fourth moment of the sum of neighbours' grey levels about its mean"),
    "ClusterShade": ("", "7NFM", "Third moment of the sum of neighbours' grey levels about its mean"),
    "ClusterTendency": ("", "DG8W", "Second moment of the sum of neighbours' grey levels about its mean"),
    "Contrast": ("", "ACUI", "Mean squared difference of neighbours' grey levels"),
    "Correlation": ("", "NI2N", "Linear correlation of neighbours' grey levels"),
    "DifferenceAverage": ("", "TF7R", "Mean absolute difference of neighbours' grey levels"),
    "DifferenceEntropy": ("bit", "NTRS", "Entropy of the absolute differences of neighbours' grey levels"),
    "DifferenceVariance": ("", "D3YU", "Variance of the absolute differences of neighbours' grey levels"),
    "JointEnergy": ("", "8ZQL", "Sum of squared probabilities of the co-occurrence matrix (angular second moment)"),
    "JointEntropy": ("bit", "TU9B", "Entropy of the co-occurrence matrix"),
    "Imc1": ("", "R8DG", "First informational measure of correlation of neighbours' grey levels"),
    "Imc2": ("", "JN9H", "Second informational measure of correlation of neighbours' grey levels"),
    "Idm": ("", "WF0Z", "Inverse difference moment: mean of 1 / (1 + squared difference of neighbours)"),
    "Idmn": ("", "1QCO", "Inverse difference moment with differences divided by the number of grey levels"),
    "Id": ("", "IB1Z", "Inverse difference: mean of 1 / (1 + absolute difference of neighbours)"),
    "Idn": ("", "NDRX", "Inverse difference with differences divided by the number of grey levels"),
    "InverseVariance": ("", "E8JP", "Mean of 1 / squared difference over neighbours that differ"),
    "MCC": ("", "", "Maximal correlation coefficient of the co-occurrence matrix"),
    "MaximumProbability": ("", "GYBY", "Largest probability in the co-occurrence matrix"),
    "SumAverage": ("", "ZGXS", "Mean sum of neighbours' grey levels"),
    "SumEntropy": ("bit", "P6QZ", "Entropy of the sums of neighbours' grey levels"),
    "SumSquares": ("", "UR99", "Variance of the grey levels of the co-occurrence matrix"),
    "SumVariance": ("", "OEEB", "Variance of the sums of neighbours' grey levels"),
    "Dissimilarity": ("", "8S9J", "Mean absolute difference of neighbours' grey levels"),
}

GLRLM: dict[str, Definition] = {
    "ShortRunEmphasis": ("", "22OV", "Mean of 1 / squared run length; high for fine texture"),
    "LongRunEmphasis": ("", "W4KF", "Mean squared run length; high for coarse texture"),
    "GrayLevelNonUniformity": ("", "R5YN", "Unevenness of the number of runs over grey levels"),
    "GrayLevelNonUniformityNormalized": ("", "OVBL", "Grey-level non-uniformity of runs divided by their number"),
    "RunLengthNonUniformity": ("", "W92Y", "Unevenness of the number of runs over run lengths"),
    "RunLengthNonUniformityNormalized": ("", "IC23", "Run-length non-uniformity divided by the number of runs"),
    "RunPercentage": ("", "9ZK5", "Number of runs divided by number of voxels"),
    "GrayLevelVariance": ("", "8CE5", "Variance of the grey levels of runs"),
    "RunVariance": ("", "SXLW", "Variance of the run lengths"),
    "RunEntropy": ("bit", "HJ9O", "Entropy of run lengths and grey levels together"),
    "LowGrayLevelRunEmphasis": ("", "V3SW", "Mean of 1 / squared grey level over runs"),
    "HighGrayLevelRunEmphasis": ("", "G3QZ", "Mean squared grey level over runs"),
    "ShortRunLowGrayLevelEmphasis": ("", "HTZT", "Joint emphasis of short runs and low grey levels"),
    "ShortRunHighGrayLevelEmphasis": ("", "GD3A", "Joint emphasis of short runs and high grey levels"),
    "LongRunLowGrayLevelEmphasis": ("", "IVPO", "Joint emphasis of long runs and low grey levels"),
    "LongRunHighGrayLevelEmphasis": ("", "3KUM", "Joint emphasis of long runs and high grey levels"),
}

GLSZM: dict[str, Definition] = {
    "SmallAreaEmphasis": ("", "5QRC", "Mean of 1 / squared zone size; high for fine texture"),
    "LargeAreaEmphasis": ("", "48P8", "Mean squared zone size; high for coarse texture"),
    "GrayLevelNonUniformity": ("", "JNSA", "Unevenness of the number of zones over grey levels"),
    "GrayLevelNonUniformityNormalized": ("", "Y1RO", "Grey-level non-uniformity of zones divided by their number"),
    "SizeZoneNonUniformity": ("", "4JP3", "Unevenness of the number of zones over zone sizes"),
    "SizeZoneNonUniformityNormalized": ("", "VB3A", "Size-zone non-uniformity divided by the number of zones"),
    "ZonePercentage": ("", "P30P", "Number of zones divided by number of voxels"),
    "GrayLevelVariance": ("", "BYLV", "Variance of the grey levels of zones"),
    "ZoneVariance": ("", "3NSA", "Variance of the zone sizes"),
    "ZoneEntropy": ("bit", "GU8N", "Entropy of zone sizes and grey levels together"),
    "LowGrayLevelZoneEmphasis": ("", "XMSY", "Mean of 1 / squared grey level over zones"),
    "HighGrayLevelZoneEmphasis": ("", "5GN9", "Mean squared grey level over zones"),
    "SmallAreaLowGrayLevelEmphasis": ("", "5RAI", "Joint emphasis of small zones and low grey levels"),
    "SmallAreaHighGrayLevelEmphasis": ("", "HW1V", "Joint emphasis of small zones and high grey levels"),
    "LargeAreaLowGrayLevelEmphasis": ("", "YH51", "Joint emphasis of large zones and low grey levels"),
    "LargeAreaHighGrayLevelEmphasis": ("", "J17V", "Joint emphasis of large zones and high grey levels"),
}

GLDM: dict[str, Definition] = {
    "SmallDependenceEmphasis": ("", "SODN", "Mean of 1 / squared number of like neighbours; high for uneven texture"),
    "LargeDependenceEmphasis": ("", "IMOQ", "Mean squared number of like neighbours; high for even texture"),
    "GrayLevelNonUniformity": ("", "FP8K", "Unevenness of the number of voxels over grey levels"),
    "GrayLevelNonUniformityNormalized": ("", "5SPA", "Grey-level non-uniformity divided by the number of voxels"),
    "DependenceNonUniformity": ("", "Z87G", "Unevenness of the number of voxels over dependence sizes"),
    "DependenceNonUniformityNormalized": ("", "OKJI", "Dependence non-uniformity divided by the number of voxels"),
    "DependencePercentage": ("", "6XV8", "Number of dependence zones divided by number of voxels; always 1"),
    "GrayLevelVariance": ("", "1PFV", "Variance of the grey levels"),
    "DependenceVariance": ("", "DNX2", "Variance of the number of like neighbours"),
    "DependenceEntropy": ("bit", "FCBV", "Entropy of like neighbours and grey levels together"),
    "LowGrayLevelEmphasis": ("", "TL9H", "Mean of 1 / squared grey level"),
    "HighGrayLevelEmphasis": ("", "OAE7", "Mean squared grey level"),
    "SmallDependenceLowGrayLevelEmphasis": ("", "EQ3F", "Joint emphasis of few like neighbours and low grey levels"),
    "SmallDependenceHighGrayLevelEmphasis": ("", "JA6D", "Joint emphasis of few like neighbours and high grey levels"),
    "LargeDependenceLowGrayLevelEmphasis": ("", "NBZI", "Joint emphasis of many like neighbours and low grey levels"),
    "LargeDependenceHighGrayLevelEmphasis": ("", "9QMG", "Joint emphasis of many like neighbours, high grey levels"),
}

NGTDM: dict[str, Definition] = {
    "Coarseness": ("", "QCDE", "Inverse of the mean difference between a voxel and its neighbourhood's mean"),
    "Contrast": ("", "65HE", "Spread of grey levels times the mean difference to the neighbourhood"),
    "Busyness": ("", "NQ30", "Rapid change of grey level from a voxel to its neighbourhood"),
    "Complexity": ("", "HDEZ", "Non-uniformity and rapid change of grey levels together"),
    "Strength": ("", "1X9X", "Distinctness of the texture's primitives: slow change, large differences of grey level"),
}

DEFINITIONS: dict[str, dict[str, Definition]] = {
    "shape": SHAPE,
    "shape2D": SHAPE_2D,
    "firstorder": FIRSTORDER,
    "glcm": GLCM,
    "glrlm": GLRLM,
    "glszm": GLSZM,
    "gldm": GLDM,
    "ngtdm": NGTDM,
}
